"""A ledger's lines are loaded, skipped or counted as wrong, whatever is in them; no file ends the audit."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import psycopg2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class

from stampede.audit.judgement import check_all, gather, load
from stampede.audit.ledger import LedgerError
from tests.fuzz.cases import case, length
from tests.fuzz.inputs import STRINGS, mutated
from tests.integration.databases import TestDatabase
from tests.integration.histories import RUN, WORKER

TIMES: dict[str, Any] = {
    "worker": WORKER,
    "n": 7,
    "sent": 1_795_381_620.5,
    "answered": 1_795_381_620.6,
    "status": 201,
}
ORDER = {
    "act": "order",
    "key": f"{RUN}/{WORKER}/7",
    "product_id": 5,
    "quantity": 1,
    "outcome": "ok",
    "order_id": 1,
}
RIGHT: list[dict[str, Any]] = [
    {**TIMES, **ORDER},
    {**TIMES, **ORDER, "n": 8, "outcome": "refused", "status": 409, "available": 0, "tries": 2, "bulk": True},
    {**TIMES, **ORDER, "n": 9, "outcome": "open"},
    {
        **TIMES,
        "n": 10,
        "act": "create",
        "outcome": "ok",
        "sku": "A-1",
        "price": 9.99,
        "stock": 5,
        "product_id": 9,
    },
    {**TIMES, "n": 11, "act": "adjust", "outcome": "unknown", "product_id": 5, "applied": 3, "race": False},
    {**TIMES, "n": 12, "act": "change_order", "outcome": "ok", "order_id": 1, "to": "PAID"},
    {**TIMES, "n": 13, "act": "total", "outcome": "ok", "order_id": 1, "total_value": 19.98},
    {"act": "lost_worker", "worker": WORKER, "name": "host_1", "at": 0.0},
    {"act": "event_of_another_api", "at": "any"},
]


@pytest.fixture
def auditor(database: TestDatabase) -> Iterator[Connection]:
    with closing(psycopg2.connect(database.url("auditor"))) as connection:
        yield connection


def ledger(lines: Iterable[Any]) -> bytes:
    """Return a ledger's file."""
    return gzip.compress(b"".join(msgspec.json.encode(line) + b"\n" for line in lines), compresslevel=1)


def loaded(auditor: Connection, content: bytes, *, is_judged: bool = False) -> None:
    """Load a ledger into the database, and judge the shop by it."""
    with tempfile.TemporaryDirectory() as folder, case("ledgers", LedgerError):
        file = Path(folder) / "ledger.jsonl.gz"
        file.write_bytes(content)
        try:
            load(auditor, file)
            if is_judged:
                with auditor.cursor() as cursor:
                    gather(cursor, RUN, TIMES["sent"])
                    check_all(cursor)
        finally:
            auditor.rollback()


@length(slowness=4)
@given(st.data())
def test_lines_that_are_almost_right_are_loaded_or_counted(auditor: Connection, data: st.DataObject) -> None:
    lines = data.draw(mutated(RIGHT))
    lines = lines if isinstance(lines, list) else [lines]
    loaded(auditor, ledger(lines), is_judged=True)


@length(slowness=2)
@given(st.lists(st.one_of(st.binary(max_size=30), STRINGS.map(str.encode)), max_size=5).map(b"\n".join))
def test_any_lines_are_skipped_or_counted(auditor: Connection, lines: bytes) -> None:
    loaded(auditor, gzip.compress(lines, compresslevel=1))


@length(slowness=2)
@given(st.data())
def test_a_file_with_other_bytes_is_read_or_refused(auditor: Connection, data: st.DataObject) -> None:
    packed = bytearray(ledger(RIGHT))
    for _ in range(data.draw(st.integers(0, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    loaded(auditor, bytes(packed[: data.draw(st.integers(0, len(packed)))]))
