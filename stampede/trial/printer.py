"""Prints a trial: each task, its requests, and what went wrong; counts them for the last line."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from locust.exception import CatchResponseError
from requests import HTTPError

from stampede.cluster.user_patches import CutOffError
from stampede.counting import readable
from stampede.counting.errors import content_read, shown
from stampede.report.formatting import milliseconds
from stampede.trial.shown import Shown

ENGINE = str(Path(__file__).resolve().parents[1])
"""The folder of the engine, whose code is not the locustfile's."""


@dataclass(slots=True)
class Totals:
    """What a trial has counted."""

    tasks: int = 0
    requests: int = 0
    failed: int = 0
    exceptions: int = 0
    not_finished: int = 0
    unreported: int = 0

    @property
    def is_good(self) -> bool:
        """Return whether nothing has failed."""
        return not (self.failed or self.exceptions or self.not_finished or self.unreported)

    def __str__(self) -> str:
        parts = [_count(self.tasks, "task"), _count(self.requests, "request"), f"{self.failed} failed"]
        if self.exceptions:
            parts.append(_count(self.exceptions, "exception"))
        if self.not_finished:
            parts.append(f"{self.not_finished} not finished")
        if self.unreported:
            parts.append(f"{self.unreported} never reported")
        return ", ".join(parts)


class Printer:
    """Prints on stdout. What belongs to a task is printed below its title."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.totals = Totals()
        self.host = ""
        """The target, which is left out of the URLs that are printed."""
        self._shown = Shown(secrets)
        self._title = self._printed_title = ""
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # whatever the locale is

    @contextmanager
    def below(self, title: str, *, at_once: bool = False) -> Iterator[None]:
        """Print what follows below this title. Without `at_once`, a title without a line is left out."""
        before, self._title = self._title, self._shown.line(title)
        if at_once:
            self._print([])
        try:
            yield
        finally:
            self._title = before

    def request(
        self,
        request_type: Any = "",
        name: Any = "",
        response_time: Any = None,
        response: Any = None,
        exception: Any = None,
        url: Any = None,
        **_: Any,
    ) -> None:
        """Print one request; the arguments are those of Locust's request event, and may have any value."""
        self.totals.requests += 1
        words = [f"{self._text(request_type)} {self._text(name)}", self._path(name, url)]
        words += [self._status(response), _time(response_time)]
        lines = ["  ".join(filter(None, words))]
        if exception is not None and (isinstance(exception, BaseException) or exception):
            self.totals.failed += 1
            lines.append(f"  failed: {self._reason(exception)}")
        lines += [f"  {line}" for line in self._body(response)]
        self._print(lines)

    def exception(self, error: BaseException) -> None:
        """Print an exception of the locustfile's own code, with its place."""
        self.totals.exceptions += 1
        self._print([f"exception{_place(error)}: {type(error).__name__}: {self._text(error)}"])

    def not_finished(self, seconds: float) -> None:
        """Print that a task has not finished within its time."""
        self.totals.not_finished += 1
        self._print([f"not finished after {seconds:g} s: ended"])

    def unreported(self, requests: Mapping[str, int]) -> None:
        """Print which requests were sent and never reported: they would be in no figure of a run."""
        for name, count in requests.items():
            self.totals.unreported += count
            why = "sent with catch_response=True and never reported (no `with`, or its block raised)"
            self._print([f"{self._text(name)}  {why}"])

    def note(self, text: str) -> None:
        """Print a line."""
        self._print([self._text(text)])

    def _text(self, value: object) -> str:
        return self._shown.line(readable.text(value))

    def _path(self, name: object, url: object) -> str:
        """Return the URL of a request in brackets, without the target; nothing if it is the name."""
        path = readable.text(url or "").removeprefix(self.host)
        return f"({self._shown.line(path)})" if path and path != readable.text(name) else ""

    def _status(self, response: object) -> str:
        status = readable.status(response)
        if status is None:
            return ""  # it is not of HTTP
        return self._text(status) if readable.is_status(status) else "no answer"

    def _reason(self, exception: object) -> str:
        if isinstance(exception, CutOffError):
            return "no answer when its task was ended"
        if isinstance(exception, CatchResponseError | HTTPError):  # their text is a sentence
            return self._text(exception)
        return self._text(shown(exception))

    def _body(self, response: object) -> list[str]:
        content = response if isinstance(response, bytes | str) else content_read(response)
        if isinstance(content, str):
            content = content.encode("utf-8", "replace")
        return self._shown.body(content) if content else []

    def _print(self, lines: list[str]) -> None:
        """Print lines, after their title if another one was printed last."""
        block = [f"  {line}" for line in lines]
        if self._title and self._title != self._printed_title:
            block.insert(0, f"\n{self._title}")
            self._printed_title = self._title
        say("\n".join(block))


def say(text: str) -> None:
    """Print a text on stdout at once."""
    print(text, flush=True)


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"


def _time(response_time: object) -> str:
    time = readable.milliseconds(response_time)
    return "no time" if time is None else milliseconds(time)


def _place(error: BaseException) -> str:
    """Return where the locustfile raised an exception: ` at users.py:14 in browse`; nothing if elsewhere.

    This is the last place in the locustfile's folder; else the last one outside installed packages.
    """
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _may_be_own(frame.filename)]
    folder = f"{Path.cwd()}{os.sep}"
    in_folder = [frame for frame in frames if str(Path(frame.filename).absolute()).startswith(folder)]
    if not (own := in_folder or frames):
        return ""
    return f" at {Path(own[-1].filename).name}:{own[-1].lineno} in {own[-1].name}"


def _may_be_own(file: str) -> bool:
    """Return whether a file may be the locustfile's: the engine's, packages and compiled code are not."""
    return not file.startswith(ENGINE) and "/site-packages/" not in file and Path(file).is_file()
