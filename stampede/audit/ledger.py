"""``ledger.jsonl.gz`` into temporary tables: see ledger.sql."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from operator import attrgetter
from pathlib import Path

import msgspec
import psycopg2
from msgspec import Struct
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from stampede.audit.errors import AuditError

BLOCK = 1 << 14
"""Compressed bytes that are read at once: ten times as much is what fits into a processor's cache."""

UNSETTLED = frozenset({"open", "unknown"})
"""Outcomes of which a later line may know more."""


class LedgerError(AuditError):
    """The ledger cannot be read; the message says where and why."""


class Entry(Struct, gc=False):
    """A line of the ledger, whatever the act of ours: what it does not have is None."""

    act: str
    worker: str = ""
    n: int | None = None
    outcome: str | None = None
    sent: float | None = None
    answered: float | None = None
    status: int | None = None
    tries: int | None = None
    key: str | None = None
    product_id: int | None = None
    quantity: int | None = None
    order_id: int | None = None
    available: int | None = None
    bulk: bool | None = None
    race: bool | None = None
    sku: str | None = None
    price: float | None = None
    stock: int | None = None
    applied: int | None = None
    to: str | None = None
    total_value: float | None = None


class Act(Struct):
    """What is known of any line."""

    act: str


#: The columns of each table of ledger.sql, in the order in which they are sent.
COLUMNS = {
    "told": "worker key product_id quantity bulk sent answered order_id",
    "untold": "worker key product_id quantity bulk sent answered outcome status tries available",
    "acts": "worker act outcome sent answered product_id order_id key to quantity sku price stock applied "
    "race bulk total_value",
    "lost_workers": "worker",
}
ACTS = "create change_product delete_product adjust pay ship cancel delete change_order total"
OTHER_TABLES = {"lost_worker": "lost_workers", **dict.fromkeys(ACTS.split(), "acts")}

Tables = dict[str, list[Entry]]

_decode = msgspec.json.Decoder(Entry)
_decode_act = msgspec.json.Decoder(Act)
_encode = msgspec.json.Encoder()


def load(path: Path, cursor: Cursor) -> None:
    """Fill the tables of ledger.sql. Where there is no file, nothing was done through the shop.

    Raises LedgerError.
    """
    others: dict[str, list[bytes]] = {"untold": [], "acts": [], "lost_workers": []}

    def told() -> Iterator[bytes]:
        for entries in settled(read(path)):
            for table, rows in others.items():
                rows.append(csv(table, entries[table]))
            yield csv("told", entries["told"])

    if path.exists():
        copy(cursor, "told", told())
        for table, rows in others.items():
            copy(cursor, table, iter(rows))


def read(path: Path) -> Iterator[list[Entry]]:
    """The lines, many at a time. The last may be cut off; any other has to be right."""
    number = 1
    for block in whole_lines(path):
        try:
            entries = _decode.decode_lines(block)
        except msgspec.MsgspecError:
            entries = list(ours(block, number, path.name))
        yield entries
        number += block.count(b"\n")


def whole_lines(path: Path) -> Iterator[bytes]:
    """Blocks that end where a line does. What follows the last line's end was cut off."""
    decompressor = zlib.decompressobj(wbits=31)
    rest = b""
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                lines, end, rest = (rest + decompressor.decompress(block)).rpartition(b"\n")
                yield lines + end
    except (OSError, zlib.error) as error:
        raise LedgerError(f"{path.name} cannot be read: {error}") from None


def ours(block: bytes, first: int, name: str) -> Iterator[Entry]:
    """Line by line, those left out that only others can read; `first` is the number of the first one."""
    for number, line in enumerate(block.splitlines(), first):
        try:
            yield _decode.decode(line)
        except msgspec.MsgspecError as error:
            if is_ours(line):
                raise LedgerError(f"{name}, line {number}: {error}") from None


def is_ours(line: bytes) -> bool:
    """Events, and acts that the shop does not know, have facts of their own, of any type."""
    try:
        act = _decode_act.decode(line).act
    except msgspec.MsgspecError:
        return True
    return act == "order" or act in OTHER_TABLES


def settled(blocks: Iterable[list[Entry]]) -> Iterator[Tables]:
    """Each entry once, by table: what was handed over before its answer came stands there again with it."""
    waiting: dict[tuple[str, int | None], Entry] = {}
    for block in blocks:
        done: Tables = defaultdict(list)
        for entry in block:
            if entry.outcome in UNSETTLED:
                waiting[entry.worker, entry.n] = entry
            else:
                if waiting:
                    waiting.pop((entry.worker, entry.n), None)
                done[table_of(entry)].append(entry)
        yield done
    left: Tables = defaultdict(list)
    for entry in waiting.values():
        left[table_of(entry)].append(entry)
    yield left


def table_of(entry: Entry) -> str:
    if entry.act == "order":
        return "told" if entry.outcome == "ok" else "untold"
    return OTHER_TABLES.get(entry.act, "none")


def csv(table: str, entries: list[Entry]) -> bytes:
    """Rows for COPY. Lists in JSON are almost CSV, and made much faster than by the csv module."""
    columns = attrgetter(*COLUMNS[table].split())
    rows = _encode.encode_lines(list(map(columns, entries)))
    return rows[1:-2].replace(b"]\n[", b"\n") + b"\n" if entries else b""


class Stream:
    """What COPY reads from: block after block, made while the database takes in the one before."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = filter(None, blocks)
        self.error: LedgerError | None = None
        """What it could not read; COPY makes another error of it."""

    def read(self, _size: int = -1) -> bytes:
        try:
            return next(self._blocks, b"")
        except LedgerError as error:
            self.error = error
            raise

    readline = read  # nobody asks for lines


def copy(cursor: Cursor, table: str, blocks: Iterator[bytes]) -> None:
    names = ", ".join(f'"{name}"' for name in COLUMNS[table].split())
    stream = Stream(blocks)
    try:
        cursor.copy_expert(
            f"COPY {table} ({names}) FROM STDIN WITH (FORMAT csv, NULL 'null', ESCAPE '\\')", stream
        )
    except psycopg2.Error:
        if stream.error:
            raise stream.error from None
        raise
