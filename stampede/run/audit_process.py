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
from math import inf
from pathlib import Path
from typing import Any

import gevent
from gevent import subprocess

from stampede.facts.check import VERDICTS

PATIENCE = 60.0
"""Seconds for its judgement, once the ledger is complete."""

BY_NAME = ("connections", "waits")
"""What of a sample is several figures, each with a name."""

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

    def __init__(self, command: Sequence[str], folder: Path, facts: Mapping[str, str]) -> None:
        self.events: list[dict[str, Any]] = []
        """What it told while the run went on: ``name``, ``at`` (seconds since the epoch), and more."""
        self.samples: list[dict[str, Any]] = []
        """How the database was, a row a second: docs/samples.md."""
        self.statements: list[dict[str, Any]] = []
        """The slowest, where it knows them."""
        self._checks: list[dict[str, Any]] | None = None
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

    def conclude(self) -> dict[str, Any]:
        """Say that the ledger is complete, and wait: ``{"checks": […]}`` or ``{"error": "…"}``."""
        self._beginning.join()
        if self._error:
            return {"error": self._error}
        if not gevent.with_timeout(PATIENCE, self._wait, timeout_value=False):
            self._process.kill()
            self._process.wait()
            return {"error": f"the audit did not come to its end within {PATIENCE:.0f} s"}
        if self._process.returncode or not self._checks:
            return {"error": f"the audit failed: {self._last_words}"}
        return {"checks": self._checks}

    def _wait(self) -> bool:
        with suppress(BrokenPipeError):  # it has ended already
            self._process.stdin.close()
        gevent.joinall(self._readers)
        self._process.wait()
        return True

    def _read_output(self) -> None:
        for line in self._process.stdout:
            try:
                self._take(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError):
                self._last_words = f"it printed {line.strip()[:200]!r}, which is not of its protocol"

    def _take(self, told: dict[str, Any]) -> None:
        if "checks" in told:
            self._checks = [_whole_check(check) for check in told["checks"]]
        elif "sample" in told:
            self.samples.append(_whole_sample(told["sample"]))
        elif "statements" in told:
            self.statements = [{**each} for each in told["statements"]]
        else:
            self.events.append({"name": str(told.pop("event")), **told, "at": time.time()})

    def _read_errors(self) -> None:
        for line in self._process.stderr:
            if line.strip():
                self._last_words = line.strip()


def _whole_check(check: Mapping[str, Any]) -> dict[str, Any]:
    """A check with all its fields. Raises KeyError and TypeError for what is none."""
    if check["verdict"] not in VERDICTS:
        raise KeyError(check["verdict"])
    if any(not isinstance(check.get(which), dict | None) for which in ("first", "worst")):
        raise TypeError("first and worst are objects")
    defaults = {"examined": None, "count": 0, "detail": "", "first": None, "worst": None}
    return {"name": str(check["name"]), "verdict": check["verdict"], **defaults, **check}


def _whole_sample(sample: Mapping[str, Any]) -> dict[str, Any]:
    """One that can be drawn. Raises KeyError, TypeError and AttributeError for what is none."""
    if type(sample["second"]) is not int:
        raise TypeError("its second is a whole one")
    known = {name: value for name, value in sample.items() if value is not None}
    for name, value in known.items():
        figures = value.values() if name in BY_NAME else [value]
        if not all(-inf < figure < inf for figure in figures):
            raise TypeError(f"{name} is no number")
    return {"second": sample["second"], **sample}
