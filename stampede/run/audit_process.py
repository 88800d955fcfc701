"""The audit of a run, on the master: starts the audit's process and reads its output.

The audit may be any command; docs/audit.md describes the protocol. In short: the command is started with the
run's folder when the run starts. It may print events and samples as lines of JSON. The end of its input means
that the ledger is complete; then it prints its checks.
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
from stampede.facts.run_json import Audit
from stampede.facts.samples import DatabaseSample, Statement
from stampede.facts.verdict_json import Check
from stampede.sampling.rows import Rows

TIMEOUT = 60.0
"""Seconds for the audit to end, once the ledger is complete."""

ROOT = Path(__file__).resolve().parents[2]

OWN_AUDIT = (sys.executable, "-m", "stampede", "audit")

_registered: tuple[str, ...] = ()


def register_audit(*command: str) -> None:
    """Make `command` the audit of every run; call it in a locustfile.

    >>> register_audit("python", "check_orders.py")  # doctest: +SKIP
    """
    global _registered
    _registered = command


def audit_command(host: str | None, audited_host: str | None) -> tuple[str, ...]:
    """Return the command that audits a run against `host`; empty where there is none.

    The registered command comes first. Stampede's own audit is used where `host` is `audited_host`, the API
    whose database the audit can read.
    """
    if _registered or not host or host.rstrip("/") != audited_host:
        return _registered
    return OWN_AUDIT


class AuditProcess:
    """The audit of one run."""

    def __init__(
        self, command: Sequence[str], folder: Path, facts: Mapping[str, str], events: list[Event]
    ) -> None:
        """Start the command with the folder as its last argument and `facts` in its environment.

        Stampede's own audit is started in the project's folder, where Python finds it; a registered one in
        the working directory, which is the locustfile's folder. Events that the audit reports during the run
        are added to `events`.
        """
        self._events = events
        self.samples: Rows[DatabaseSample] = Rows()
        self.statements: list[Statement] = []
        self._checks: list[Check] | None = None
        self._last_output = "it printed nothing"
        self._error: str | None = None
        self._process: Any = None
        # In a greenlet, because a fork takes a while: a run that has only half begun could not be stopped.
        self._starting = gevent.spawn(
            self._start,
            [*command, str(folder.absolute())],
            {**os.environ, **facts},
            ROOT if tuple(command) == OWN_AUDIT else None,
        )

    def _start(self, command: Sequence[str], environment: Mapping[str, str], folder: Path | None) -> None:
        try:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
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
        """Close the command's input, wait until it ends, and return its result.

        The end of its input means that the ledger is complete.
        """
        self._starting.join()
        if self._error:
            return Audit(error=self._error)
        if not gevent.with_timeout(TIMEOUT, self._wait, timeout_value=False):
            self._process.kill()
            self._process.wait()
            return Audit(error=f"the audit did not end within {TIMEOUT:.0f} s")
        if self._process.returncode or not self._checks:
            return Audit(error=f"the audit failed: {self._last_output}")
        return Audit(checks=self._checks)

    def _wait(self) -> bool:
        with suppress(BrokenPipeError):  # the command has ended already
            self._process.stdin.close()
        gevent.joinall(self._readers)
        self._process.wait()
        return True

    def _read_output(self) -> None:
        for line in self._process.stdout:
            try:
                self._handle(_decode(line))
            except ValueError:  # not JSON, or a ValidationError
                self._last_output = (
                    f"it printed {line.strip()[:200]!r}, which is not a message of the audit protocol"
                )

    def _handle(self, message: dict[str, Any]) -> None:
        if "checks" in message:
            self._checks = convert(message["checks"], list[Check])
        elif "sample" in message:
            self.samples.append(convert(message["sample"], DatabaseSample))
        elif "statements" in message:
            self.statements = convert(message["statements"], list[Statement])
        else:
            name = convert(message.pop("event", None), str)
            message.pop("at", None)  # the audit's clock may differ from the master's
            self._events.append(Event(name=name, at=time.time(), is_alarm=True, facts=message))

    def _read_errors(self) -> None:
        for line in self._process.stderr:
            if line.strip():
                self._last_output = line.strip()


def _decode(line: str) -> dict[str, Any]:
    """Return the JSON object of one line. Raises ValueError.

    Lone surrogates, which JSON allows and UTF-8 does not, become question marks.
    """
    content = json.dumps(json.loads(line), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    return decode(content, type=dict[str, Any])
