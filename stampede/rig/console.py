"""A run while it goes on, shown to whoever started it: live on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol, Self

from stampede.rig import terminal
from stampede.rig.snapshot import PARTS, SHARED, Snapshot, figures, ms, words

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.text import Text

LINE_EVERY = 10.0
"""Seconds between two lines where no terminal shows them."""

EVENTS = 3
"""The last ones that a terminal shows."""


class Display(Protocol):
    """Shows a run from when it is entered until it is left."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, seen: Snapshot) -> None:
        """What the run is like now."""

    def say(self, line: str) -> None:
        """Something that stays to be read."""


def display() -> Display:
    """The one for where the output goes."""
    found = terminal.find()
    return Board(found) if found else Lines()


class Lines:
    """For files and pipes."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._has_warned = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, seen: Snapshot) -> None:
        """A line, if the last is long enough ago."""
        now = time.monotonic()
        if now - self._last >= LINE_EVERY:
            self._last = now
            print(figures(seen), flush=True)
        if seen.shares_cores and not self._has_warned:
            self._has_warned = True
            print(SHARED, flush=True)

    def say(self, line: str) -> None:
        """A line, at once."""
        print(line, flush=True)


class Board:
    """For a terminal: one place that changes, and leaves nothing behind."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self._live: Live = Live(console=console, transient=True, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *ended: Any) -> None:
        self._live.__exit__(*ended)

    def show(self, seen: Snapshot) -> None:
        """Draw it."""
        self._live.update(board(seen))

    def say(self, line: str) -> None:
        """Above what changes."""
        self._live.console.print(line, markup=False, soft_wrap=True)


def board(seen: Snapshot) -> RenderableType:
    """A run at one moment, as it is drawn."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    lines: list[Any] = [_progress(seen), _load(seen), _times(seen)]
    if seen.outcomes:
        lines.append(_answers(seen))
    if seen.verdicts:
        lines.append(_verdicts(seen))
    lines += [Text(words(event), "dim", no_wrap=True, overflow="ellipsis") for event in seen.events[-EVENTS:]]
    if seen.shares_cores:
        lines.append(Text(SHARED, "yellow"))
    return Panel(
        Group(*lines), title=Text(f"{seen.what} · {seen.url}"), title_align="left", border_style="dim"
    )


def _progress(seen: Snapshot) -> RenderableType:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    row = Table.grid(padding=(0, 1), expand=True)
    row.add_column(width=9)
    row.add_column(ratio=1)
    row.add_column(justify="right")
    done = min(seen.seconds, seen.duration)
    clock = f"{done:.0f}/{seen.duration:.0f} s, {seen.left:.0f} s left" if seen.duration else ""
    row.add_row(seen.phase, ProgressBar(seen.duration or 1, done, complete_style="green"), clock)
    return row


def _load(seen: Snapshot) -> Text:
    users = f"{seen.users}" if seen.target_users is None else f"{seen.users}/{seen.target_users}"
    return _pairs(
        ("users", users),
        ("workers", str(seen.workers)),
        ("requests/s", f"{seen.rps:,.0f}"),
        ("requests", f"{seen.requests:,}"),
    )


def _times(seen: Snapshot) -> Text:
    times = _pairs(("p50", ms(seen.p50)), ("p95", ms(seen.p95)), ("p99", ms(seen.p99)))
    return times.append(f"{seen.failures:,} failed", "bold red" if seen.failures else "dim")


def _answers(seen: Snapshot) -> Text:
    return _pairs(*((status if status != "0" else "none", f"{n:,}") for status, n in seen.outcomes.items()))


def _verdicts(seen: Snapshot) -> Text:
    from rich.text import Text

    text = Text()
    for part in PARTS:
        verdict = seen.verdicts.get(part, "–")
        text.append(f"{part.upper()} ", "dim").append(f"{verdict}  ", terminal.STYLES.get(verdict, ""))
    return text.append("as they stand", "dim")


def _pairs(*pairs: tuple[str, str]) -> Text:
    from rich.text import Text

    text = Text()
    for name, value in pairs:
        text.append(f"{name} ", "dim").append(value, "bold").append("  ")
    return text
