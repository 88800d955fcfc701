"""The planted faults: each a file of SQL that says what the mistake is and which check must see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
KILL_POSTGRES = "kill postgres"


class FaultError(Exception):
    """A fault that cannot be planted; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake that a developer could make."""

    name: str
    file: Path
    mistake: str
    caught_by: frozenset[str]
    """Names of the checks that must turn red."""
    kills_postgres: bool
    """Whether PostgreSQL dies in the middle of the run."""


def choose(names: Sequence[str], others: Iterable[str] = ()) -> list[Fault]:
    """The faults of these names, or all. Raises FaultError, which names the `others` that there are too."""
    all_faults = {file.stem: file for file in sorted(FOLDER.glob("*.sql"))}
    for name in names:
        if name not in all_faults:
            raise FaultError(f"there is no fault '{name}': choose of {', '.join([*all_faults, *others])}")
    return [read(file) for name, file in all_faults.items() if not names or name in names]


def read(file: Path) -> Fault:
    """What the comment at its top says: the mistake, `caught by: CHECK, …`, `then: kill postgres`.

    Raises FaultError.
    """
    head = []
    for line in file.read_text().splitlines():
        if not line.startswith("--"):
            break
        head.append(line.removeprefix("--").strip())
    said = dict(line.split(": ", 1) for line in head if line.startswith(("caught by: ", "then: ")))
    mistake = " ".join(line for line in head if not line.startswith(("caught by:", "then:")))
    caught_by = frozenset(name.strip() for name in said.get("caught by", "").split(",") if name.strip())
    if not mistake or not caught_by or said.get("then", KILL_POSTGRES) != KILL_POSTGRES:
        raise FaultError(
            f"{file.name} must begin with a sentence, '-- caught by: CHECK, …' and, if at all, "
            f"'-- then: {KILL_POSTGRES}'"
        )
    return Fault(file.stem, file, mistake, caught_by, "then" in said)
