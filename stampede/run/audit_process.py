"""The audit of a run, as the master sees it: a process of its own that judges the data.

Any command will do; the protocol is described in docs/audit.md. In short: it is started with the run's
folder when the run starts, may print events and samples as lines of JSON, learns from the end of its input
that the ledger is complete, and prints its checks last.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gevent
from gevent import subprocess
from msgspec import convert
from msgspec.json import decode

from stampede.facts.event import Event
from stampede.facts.run import Audit
from stampede.facts.samples import DatabaseSample, Statement
from stampede.facts.verdict import Check

PATIENCE = 60.0
"""Seconds for its judgement, once the ledger is complete."""

_registered: tuple[str, ...] = ()


def register_audit(*command: str) -> None:
    """Let `command` judge the data of every run; to be called in a locustfile.

    >>> register_audit("python", "check_orders.py")  # doctest: +SKIP
    """
    global _registered
    _registered = command


def audit_command(host: str | None, audited_host: str | None) -> tuple[str, ...]:
    """What audits a run against `host`: the registered command, else ours if the database is that host's."""
    if _registered or not host or host.rstrip("/") != audited_host:
        return _registered
    return (sys.executable, "-m", "stampede", "audit")


class AuditProcess:
    """One run's audit."""

    def __init__(
        self, command: Sequence[str], folder: Path, facts: Mapping[str, str], events: list[Event]
    ) -> None:
        """`facts` are added to the command's environment. `events` are the run's: what the audit reports
        while the run goes on is added."""
        self._events = events
        self.samples: list[DatabaseSample] = []
        self.statements: list[Statement] = []
        self._checks: list[Check] | None = None
        self._last_words = "it said nothing"
        self._error: str | None = None
        self._process: Any = None
        # Not at once: to fork takes a while, and a run that is only half begun could not be stopped.
        self._beginning = gevent.spawn(self._begin, [*command, str(folder)], {**os.environ, **facts})

    def _begin(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        try:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        except OSError as error:
            self._error = f"the audit cannot be started: {command[0]}: {error.strerror}"
            return
        self._readers = [gevent.spawn(self._read_output), gevent.spawn(self._read_errors)]

    def conclude(self) -> Audit:
        """Tell the command that the ledger is complete, wait for it to end, and return what it found."""
        self._beginning.join()
        if self._error:
            return Audit(error=self._error)
        if not gevent.with_timeout(PATIENCE, self._wait, timeout_value=False):
            self._process.kill()
            self._process.wait()
            return Audit(error=f"the audit did not come to its end within {PATIENCE:.0f} s")
        if self._process.returncode or not self._checks:
            return Audit(error=f"the audit failed: {self._last_words}")
        return Audit(checks=self._checks)

    def _wait(self) -> bool:
        with suppress(BrokenPipeError):  # it has ended already
            self._process.stdin.close()
        gevent.joinall(self._readers)
        self._process.wait()
        return True

    def _read_output(self) -> None:
        for line in self._process.stdout:
            try:
                self._take(_object(line))
            except ValueError:  # no JSON, or a ValidationError
                self._last_words = f"it printed {line.strip()[:200]!r}, which is not of its protocol"

    def _take(self, told: dict[str, Any]) -> None:
        if "checks" in told:
            self._checks = convert(told["checks"], list[Check])
        elif "sample" in told:
            self.samples.append(convert(told["sample"], DatabaseSample))
        elif "statements" in told:
            self.statements = convert(told["statements"], list[Statement])
        else:
            name = convert(told.pop("event", None), str)
            told.pop("at", None)  # by another clock
            self._events.append(Event(name=name, at=time.time(), is_alarm=True, facts=told))

    def _read_errors(self) -> None:
        for line in self._process.stderr:
            if line.strip():
                self._last_words = line.strip()


def _object(line: str) -> dict[str, Any]:
    """A line of the protocol. JSON has halves of surrogates, UTF-8 has none. Raises ValueError."""
    content = json.dumps(json.loads(line), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    return decode(content, type=dict[str, Any])
