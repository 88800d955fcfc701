"""The cluster that faults are planted in: a copy of the project, with a database that can be had anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from postgres import embedded
from stampede.rig.master import Master
from tests.checkout import ROOT, Checkout, copied_project, ignore_interrupts, wait_until
from tests.local_postgres import LocalPostgres
from tests.prove.faults import Fault

WORKERS = 2
LOAD = {"profile": "scenario", "scenario": "all", "users": 40, "spawn_rate": 40, "run_time": "8s"}
LONGEST_RUN = 120.0
"""Seconds for a run to start, to stop, to be audited."""

ORDERS_BEFORE_DEATH = 200
"""Answered by the API before PostgreSQL is killed: enough to be missed."""

API_CONNECTIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = 'stampede' AND application_name = 'stampede-api'"
)


class Cluster:
    """One that is up."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._master = Master(checkout.ui_url)
        self._postgres = LocalPostgres(checkout.folder)
        self._usual_connections = self._api_connections()
        self._put_pristine_aside()

    def run(self, fault: Fault | None, into: Path) -> dict[str, Any]:
        """The verdict.json of a run on a fresh database with this fault; its folder goes to `into`."""
        self._plant(fault)
        self._master.start(LOAD)
        if fault and fault.kills_postgres:
            already = self._checkout.orders_served()
            wait_until(
                lambda: self._checkout.orders_served() > already + ORDERS_BEFORE_DEATH, "orders to lose"
            )
            self._kill_postgres()
        wait_until(lambda: not self._master.run()["in_progress"], "the end of the run", LONGEST_RUN)
        folder = self._checkout.keep_results(self._master.run()["id"], into)
        verdict: dict[str, Any] = json.loads((folder / "verdict.json").read_text())
        return verdict

    def _put_pristine_aside(self) -> None:
        """What init.sql has made becomes the template of all others."""
        self._psql("-c", f"ALTER DATABASE {embedded.DATABASE} ALLOW_CONNECTIONS false")
        self._psql(
            "-c",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"  # noqa: S608 - the name is ours
            f" WHERE datname = '{embedded.DATABASE}'",
        )
        self._psql("-c", f"ALTER DATABASE {embedded.DATABASE} RENAME TO pristine")

    def _plant(self, fault: Fault | None) -> None:
        """Give the API a database with this fault; it meets none that is half made."""
        for undo in ("ALTER ROLE api RESET ALL", "ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()"):
            self._psql("-c", undo)
        self._psql("-c", "CREATE DATABASE planted TEMPLATE pristine")
        # A copy has neither the settings nor the grants of the database itself.
        self._psql("-f", str(ROOT / "postgres" / "roles.sql"), database="planted")
        if fault:
            statements = self._checkout.folder / "planted.sql"
            statements.write_text(fault.sql())
            self._psql("-f", str(statements), database="planted")
        self._psql("-c", f"DROP DATABASE IF EXISTS {embedded.DATABASE} WITH (FORCE)")
        self._psql("-c", f"ALTER DATABASE planted RENAME TO {embedded.DATABASE}")
        wait_until(lambda: self._api_connections() >= self._usual_connections, "the API to reconnect")
        self._wait_for_health()

    def _kill_postgres(self) -> None:
        self._postgres.kill()
        self._wait_for_health()

    def _api_connections(self) -> int:
        return int(self._psql("-At", "-c", API_CONNECTIONS))

    def _wait_for_health(self) -> None:
        wait_until(lambda: self._checkout.api_status("/health") == 200, "a healthy API")

    def _psql(self, *arguments: str, database: str = "postgres") -> str:
        """What psql prints, as the superuser."""
        return self._postgres.psql(*arguments, database=database)


@contextmanager
def running() -> Iterator[Cluster]:
    """A cluster of processes, with ports of its own; nothing of it is left at the end."""
    with copied_project() as checkout:
        try:
            checkout.bring_up("local", WORKERS)
            yield Cluster(checkout)
        finally:
            ignore_interrupts()
            checkout.rig("reset", "RUNTIME=local", "FORCE=1")
