"""Reads ``ledger.jsonl.gz`` and copies it into the temporary tables of ledger.sql."""

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

from stampede.audit.entry import Entry, Salvage, WrongLines
from stampede.audit.errors import AuditError

BLOCK = 1 << 14
"""Compressed bytes that are read at once: uncompressed, ten times as much, they fit into a CPU cache."""

UNSETTLED = frozenset({"open", "unknown"})
"""Outcomes that a later line of the same entry may replace."""


class LedgerError(AuditError):
    """The ledger cannot be read; the message has the place and the reason."""


class Act(Struct):
    """The one field that every line has."""

    act: str


#: The columns of each table of ledger.sql, in the order in which they are copied.
COLUMNS = {
    "told": "worker key product_id quantity bulk sent answered order_id",
    "untold": "worker key product_id quantity bulk sent answered outcome status tries available",
    "acts": "worker act outcome sent answered product_id order_id key to quantity sku price stock applied "
    "race bulk total_value",
    "lost_workers": "worker",
}
ACTS = "create change_product delete_product adjust pay ship cancel delete change_order total"
OTHER_TABLES = {"lost_worker": "lost_workers", **dict.fromkeys(ACTS.split(), "acts")}
SHOPS_ACTS = frozenset({"order", *ACTS.split()})

Tables = dict[str, list[Entry]]

_decode = msgspec.json.Decoder(Entry)
_decode_act = msgspec.json.Decoder(Act)
_encode = msgspec.json.Encoder()


def load(path: Path, cursor: Cursor) -> WrongLines:
    """Fill the tables of ledger.sql; leave them empty where there is no file. Raises LedgerError.

    A run without a ledger did nothing through the shop. Return the lines that are wrong.
    """
    salvage = Salvage()
    # One connection copies one table at a time: the largest is streamed, the others wait in memory.
    other_tables: dict[str, list[bytes]] = {"untold": [], "acts": [], "lost_workers": []}

    def told_rows() -> Iterator[bytes]:
        for entries in settled(read(path, salvage), salvage.wrong):
            for table, rows in other_tables.items():
                rows.append(csv(table, entries[table]))
            yield csv("told", entries["told"])

    if path.exists():
        copy(cursor, "told", told_rows())
        for table, rows in other_tables.items():
            copy(cursor, table, iter(rows))
    return salvage.wrong


def read(path: Path, salvage: Salvage | None = None) -> Iterator[list[Entry]]:
    """Yield the entries, many at a time. The last line may be cut off. Raises LedgerError.

    `salvage` reads the valid values of wrong lines.
    """
    salvage = salvage or Salvage()
    number = 1
    for block in whole_lines(path):
        try:
            entries = _decode.decode_lines(block)
        except msgspec.MsgspecError:
            entries = list(known_entries(block, number, salvage))
        yield entries
        number += block.count(b"\n")


def whole_lines(path: Path) -> Iterator[bytes]:
    """Yield blocks that end with the end of a line. An incomplete last line is dropped."""
    decompressor = zlib.decompressobj(wbits=31)
    rest = b""
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                lines, end, rest = (rest + decompressor.decompress(block)).rpartition(b"\n")
                yield lines + end
    except (OSError, zlib.error) as error:
        raise LedgerError(f"{path.name} cannot be read: {error}") from None


def known_entries(block: bytes, first: int, salvage: Salvage) -> Iterator[Entry]:
    """Yield the entries of the shop's acts, and skip all other lines.

    `first` is the number of the block's first line. `salvage` reads the valid values of a wrong line.
    """
    for number, line in enumerate(block.splitlines(), first):
        try:
            yield _decode.decode(line)
        except msgspec.MsgspecError as error:
            if is_known(line) and (entry := salvage.entry(number, line, error)):
                yield entry


def is_known(line: bytes) -> bool:
    """Return whether a line must be a valid Entry: it has an act of the shop, or it cannot be read at all.

    Events, and acts of another API, may have any fields of any type.
    """
    try:
        act = _decode_act.decode(line).act
    except msgspec.MsgspecError:
        return True
    return act == "order" or act in OTHER_TABLES


def settled(blocks: Iterable[list[Entry]], wrong: WrongLines | None = None) -> Iterator[Tables]:
    """Yield each entry once, by table. An act of the shop that has not all it must have is added to `wrong`.

    A worker may write a request before its answer has come: then the ledger has it again, with the answer.
    """
    waiting: dict[tuple[str, int | None], Entry] = {}
    for block in blocks:
        done: Tables = defaultdict(list)
        for entry in block:
            if entry.act in SHOPS_ACTS and (missing := entry.missing):
                if wrong:
                    wrong.add(f"entry {entry.n} of worker {entry.worker}", missing)
            elif entry.outcome in UNSETTLED:
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
    """Return the table of ledger.sql that an entry belongs to; ``none`` for events and other acts."""
    if entry.act == "order":
        return "told" if entry.outcome == "ok" else "untold"
    return OTHER_TABLES.get(entry.act, "none")


def csv(table: str, entries: list[Entry]) -> bytes:
    """Return rows for COPY. Lists in JSON are almost CSV, and much faster than the csv module."""
    columns = attrgetter(*COLUMNS[table].split())
    rows = _encode.encode_lines(list(map(columns, entries)))
    return rows[1:-2].replace(b"]\n[", b"\n") + b"\n" if entries else b""


class Stream:
    """A file for COPY to read from. It makes each block while the database stores the previous one."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = filter(None, blocks)
        self.error: LedgerError | None = None
        """The error while reading, kept here because COPY raises another error for it."""

    def read(self, _size: int = -1) -> bytes:
        """Return the next block, of any size; nothing at the end. Raises LedgerError."""
        try:
            return next(self._blocks, b"")
        except LedgerError as error:
            self.error = error
            raise

    readline = read  # psycopg2's types require it; COPY never calls it


def copy(cursor: Cursor, table: str, blocks: Iterator[bytes]) -> None:
    """Copy blocks of CSV into a table. Raises LedgerError and psycopg2.Error."""
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
