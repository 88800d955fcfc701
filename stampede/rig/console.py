"""The display of a run in progress: live on a terminal, plain lines in a file or pipe."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol, Self

from stampede.rig import terminal
from stampede.rig.snapshot import PARTS, SHARED, Snapshot, event_line, ms, no_answer, status_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.text import Text

LINE_EVERY = 10.0
"""Seconds between two status lines in a file or pipe."""

MAX_EVENTS = 3
"""Number of events on a terminal: the newest ones."""


class Display(Protocol):
    """A display of a run, used as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, snapshot: Snapshot) -> None:
        """Show the present state of the run."""

    def print_line(self, line: str) -> None:
        """Print a line that stays."""


def display() -> Display:
    """Return the display for where the output goes."""
    console = terminal.find()
    return Board(console) if console else Lines()


class Lines:
    """A display for files and pipes: a status line every LINE_EVERY seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._has_warned = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, snapshot: Snapshot) -> None:
        """Print a status line, if LINE_EVERY seconds have passed since the last one."""
        now = time.monotonic()
        if now - self._last >= LINE_EVERY:
            self._last = now
            print(status_line(snapshot), flush=True)
        if snapshot.shares_cores and not self._has_warned:
            self._has_warned = True
            print(SHARED, flush=True)

    def print_line(self, line: str) -> None:
        """Print a line at once."""
        print(line, flush=True)


class Board:
    """A display for a terminal: one area that is redrawn, and erased at the end."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self._live: Live = Live(console=console, transient=True, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._live.__exit__(*exception)

    def show(self, snapshot: Snapshot) -> None:
        """Redraw the area."""
        self._live.update(board(snapshot))

    def print_line(self, line: str) -> None:
        """Print a line above the area."""
        self._live.console.print(line, markup=False, soft_wrap=True)


def board(snapshot: Snapshot) -> RenderableType:
    """Return the drawing of a snapshot."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    lines: list[Any] = [_progress(snapshot), _load(snapshot), _times(snapshot)]
    if snapshot.outcomes:
        lines.append(_outcomes(snapshot))
    if snapshot.verdicts:
        lines.append(_verdicts(snapshot))
    events = snapshot.events[-MAX_EVENTS:]
    lines += [Text(event_line(event), "dim", no_wrap=True, overflow="ellipsis") for event in events]
    if snapshot.shares_cores:
        lines.append(Text(SHARED, "yellow"))
    title = Text(" · ".join(filter(None, (snapshot.what, snapshot.target))))
    return Panel(Group(*lines), title=title, title_align="left", border_style="dim")


def _progress(snapshot: Snapshot) -> RenderableType:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    row = Table.grid(padding=(0, 1), expand=True)
    row.add_column(width=9)
    row.add_column(ratio=1)
    row.add_column(justify="right")
    if not snapshot.duration or snapshot.left is None:
        row.add_row(snapshot.phase, ProgressBar(total=None), f"{snapshot.seconds:.0f} s")
        return row
    done = max(0.0, snapshot.duration - snapshot.left)
    clock = f"{done:.0f}/{snapshot.duration:.0f} s, {snapshot.left:.0f} s left"
    row.add_row(snapshot.phase, ProgressBar(snapshot.duration, done, complete_style="green"), clock)
    return row


def _load(snapshot: Snapshot) -> Text:
    users = str(snapshot.users)
    if snapshot.target_users is not None:
        users += f"/{snapshot.target_users}"
    return _pairs(
        ("users", users),
        ("workers", str(snapshot.workers)),
        ("requests/s", f"{snapshot.rps:,.0f}"),
        ("requests", f"{snapshot.requests:,}"),
    )


def _times(snapshot: Snapshot) -> Text:
    times = _pairs(("p50", ms(snapshot.p50)), ("p95", ms(snapshot.p95)), ("p99", ms(snapshot.p99)))
    times.append(f"{snapshot.failures:,} failed", "bold red" if snapshot.failures else "dim")
    return times.append(f"  {no_answer(snapshot)}", "bold red") if snapshot.silent else times


def _outcomes(snapshot: Snapshot) -> Text:
    outcomes = snapshot.outcomes.items()
    return _pairs(*((status if status != "0" else "none", f"{count:,}") for status, count in outcomes))


def _verdicts(snapshot: Snapshot) -> Text:
    from rich.text import Text

    text = Text()
    for part in PARTS:
        verdict = snapshot.verdicts.get(part, "–")
        text.append(f"{part.upper()} ", "dim").append(f"{verdict}  ", terminal.STYLES.get(verdict, ""))
    return text.append("as they stand", "dim")


def _pairs(*pairs: tuple[str, str]) -> Text:
    """Return names and values in one line, the names dim and the values bold."""
    from rich.text import Text

    text = Text()
    for name, value in pairs:
        text.append(f"{name} ", "dim").append(value, "bold").append("  ")
    return text
