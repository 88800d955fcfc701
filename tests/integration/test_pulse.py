"""How a real PostgreSQL is seen to be, by the audit's process and its role."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import psycopg2
import pytest

from stampede.audit.database import Link
from stampede.audit.pulse import Pulse, sample
from stampede.audit.statements import Statements
from stampede.facts.samples import DatabaseSample
from tests.checkout import wait_until
from tests.integration.databases import TestDatabase

PATIENCE = 20


class Seen:
    """What the auditor sees."""

    def __init__(self, database: TestDatabase) -> None:
        self._link = Link(database.url("auditor"))
        self._pulse = Pulse()

    def sample(self) -> DatabaseSample:
        while not (samples := self._link.ask(self._pulse.take)):
            pass
        return samples[0]

    def until(self, holds: Callable[[DatabaseSample], bool]) -> DatabaseSample:
        """The first sample for which it does."""
        deadline = time.monotonic() + PATIENCE
        while not holds(found := self.sample()):
            assert time.monotonic() < deadline, found
        return found

    def close(self) -> None:
        self._link.close()


@pytest.fixture
def seen(database: TestDatabase) -> Iterator[Seen]:
    looking = Seen(database)
    yield looking
    looking.close()


def test_usage_and_limits_are_in_the_units_of_the_other_roles(seen: Seen) -> None:
    """Percent of one core, MB; this PostgreSQL is in no container of its own."""
    seen.sample()
    found = seen.sample()
    assert found.cpu_percent is not None
    assert 5 < (found.memory_mb or 0) < 2000
    assert (found.max_connections, found.memory_limit_mb) == (200, None)
    assert 5 < (found.size_mb or 0) < 200
    assert abs(found.second - time.time()) < 5


@pytest.mark.parametrize("has_ended", [False, True])
def test_what_postgresql_computes_is_its_cpu(database: TestDatabase, seen: Seen, has_ended: bool) -> None:
    """Of a process that is there, and of one that has ended."""
    began = time.monotonic()
    seen.sample()
    connection = psycopg2.connect(database.url())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM generate_series(1, 3000000)")
    backend = psutil.Process(connection.info.backend_pid)
    used = sum(backend.cpu_times()[:2])
    if has_ended:
        connection.close()
        wait_until(lambda: not backend.is_running(), "it has been waited for")
    share = (seen.sample().cpu_percent or 0) / 100
    connection.close()
    assert share * (time.monotonic() - began) >= 0.9 * used > 0.1


def test_what_a_process_used_is_not_lost_while_it_ends(database: TestDatabase, seen: Seen) -> None:
    """It has no session any more, and nobody has waited for it yet."""
    connection = psycopg2.connect(database.url())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM generate_series(1, 3000000)")
    seen.sample()
    backend = psutil.Process(connection.info.backend_pid)
    assert database.server.process is not None
    postmaster = database.server.process.pid
    os.kill(postmaster, signal.SIGSTOP)
    try:
        connection.close()
        wait_until(lambda: backend.status() == psutil.STATUS_ZOMBIE, "it has ended")
        assert seen.sample().cpu_percent is not None
    finally:
        os.kill(postmaster, signal.SIGCONT)


def test_who_waits_for_whom_is_seen(database: TestDatabase, seen: Seen) -> None:
    """One holds a row in an open transaction, two want it."""
    statement = "UPDATE products SET stock = stock + 1 WHERE id = 5"
    holder = psycopg2.connect(database.url())
    with holder.cursor() as cursor:
        cursor.execute(statement)
    waiting = [threading.Thread(target=database.query, args=[statement]) for _ in range(2)]
    for thread in waiting:
        thread.start()
    found = seen.until(lambda each: each.locks_waiting == 2)
    assert found.connections is not None
    assert found.connections["idle in transaction"] >= 1
    assert found.connections["active"] >= 2
    assert found.waits is not None
    assert sum(count for wait, count in found.waits.items() if wait.startswith("Lock:")) == 2
    holder.rollback()
    holder.close()
    for thread in waiting:
        thread.join()


def test_transactions_are_counted_by_their_end(database: TestDatabase, seen: Seen) -> None:
    """Per second; a session tells what it did when it ends, at the latest."""
    seen.sample()
    connection = psycopg2.connect(database.url())
    for _ in range(20):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM products WHERE id = 5")
        connection.rollback()
    connection.close()
    found = seen.until(lambda each: (each.rollbacks or 0) > 0)
    assert found.cache_hit_percent is not None
    assert found.cache_hit_percent > 50


def test_a_restarted_server_counts_from_the_beginning() -> None:
    """Less than before is no rate."""
    counters = ("cpu_seconds", "throttled_seconds", "commits", "rollbacks", "deadlocks")
    levels = ("cpu_limit_cores", "memory_bytes", "memory_limit_bytes", "size_bytes", "max_connections")
    nothing = dict.fromkeys((*levels, "connections", "waits", "locks_waiting"))
    last = {**nothing, **dict.fromkeys(counters, 10.0), "blks_hit": 10, "blks_read": 10, "at": 1.0}
    look = {**nothing, **dict.fromkeys(counters, 1.0), "blks_hit": 12, "blks_read": 12, "at": 3.0}
    found = sample(1, last, look)
    assert [found.cpu_percent, found.commits, found.deadlocks] == [None] * 3
    assert found.cache_hit_percent == 50.0


def test_the_functions_that_took_the_most_time_are_named(database: TestDatabase) -> None:
    """Of those called since the first look, with the time they waited for others."""
    link, statements = Link(database.url("auditor")), Statements()
    for _ in range(3):
        database.query("SELECT place_order(5, 1)")
    calls = "SELECT calls FROM pg_stat_user_functions WHERE funcname = 'place_order'"
    wait_until(lambda: database.query(calls) == [(3,)], "those before the first look are counted")
    assert link.ask(statements.slowest) == []
    holder = psycopg2.connect(database.url())
    holder.cursor().execute("SELECT FROM products WHERE id = 5 FOR UPDATE")
    waiting = threading.Thread(target=database.query, args=["SELECT place_order(5, 1)"])
    waiting.start()
    waits = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    wait_until(lambda: database.query(waits) == [(1,)], "it waits for the holder")
    time.sleep(0.2)  # what is to be measured
    holder.close()
    waiting.join()
    deadline = time.monotonic() + PATIENCE
    while not (slowest := link.ask(statements.slowest)):
        assert time.monotonic() < deadline
    link.close()
    first = slowest[0]
    assert (first.statement, first.calls) == ("place_order", 1)
    assert first.mean_ms is not None
    assert first.total_ms == pytest.approx(first.mean_ms, abs=0.1)
    assert first.mean_ms > 100
