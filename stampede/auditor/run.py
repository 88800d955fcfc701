"""What the audit has to know of the run: its id, and where in the database it began."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class

MARK = "audit.json"

MARGIN = 0.1
"""Seconds by which the mark may be too early, so that it is never too late: users do not wait for an audit."""

BEGINNING = """
    WITH mark AS (SELECT clock_timestamp() - %(since)s AS mark)
    SELECT mark::text, coalesce(min(id) FILTER (WHERE at >= mark), max(id) + 1, 1)
    FROM mark LEFT JOIN (SELECT id, at FROM stock_movements ORDER BY id DESC LIMIT 100000) AS latest ON TRUE
    GROUP BY mark
"""


class RunError(Exception):
    """The folder holds no run that can be judged; the message says why."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run, and the database's clock and stock ledger when it began."""

    folder: str
    id: str
    host: str
    mark: str
    """A moment by the database's clock, as PostgreSQL writes it."""
    first_line: int
    """The id that the next stock movement can have at least."""

    @classmethod
    def begin(cls, folder: Path, connection: Connection) -> Self:
        """The run that has just begun, by its environment; noted in its folder, for who judges it again."""
        environment = os.environ
        since = time.time() - float(environment["STAMPEDE_STARTED_AT"]) + MARGIN
        with connection.cursor() as cursor:
            cursor.execute(BEGINNING, {"since": timedelta(seconds=since)})
            row = cursor.fetchone() or ("", 0)
        run = cls(str(folder), environment["STAMPEDE_RUN_ID"], environment.get("STAMPEDE_HOST", ""), *row)
        (folder / MARK).write_text(json.dumps(dataclasses.asdict(run), indent=2) + "\n")
        return run

    @classmethod
    def recall(cls, folder: Path) -> Self:
        """The run as it was noted when it began. Raises RunError where nothing is noted."""
        try:
            noted = json.loads((folder / MARK).read_text())
            return cls(**{**noted, "folder": str(folder)})
        except (OSError, ValueError, TypeError) as error:
            raise RunError(f"{folder} holds no {MARK}: no audit was there when the run began") from error
