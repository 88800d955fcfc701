"""Who looks at a run while it goes on: its timeline, the API's own counters, the audit, the samples of roles.

What they have seen can be asked for at any time; in the end the run gets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gevent.event import Event
from locust.env import Environment

from stampede.counting.counts import Counts
from stampede.run.audit_process import AuditProcess, audit_command
from stampede.run.run import Run
from stampede.run.timeline import Timeline
from stampede.sampling.counters import Counters
from stampede.sampling.samples import Samples
from stampede.verdict.moves import settled


class Observers:
    """Those of the newest run of one master."""

    def __init__(self, environment: Environment, counts: Counts, audited_host: str | None) -> None:
        self._environment = environment
        self._counts = counts
        self._audited_host = audited_host
        self._samples = Samples(environment.runner)
        self._audit: AuditProcess | None = None
        self._counters: Counters | None = None
        self._timeline: Timeline | None = None

    def expect(self, run: Run) -> None:
        """There is a new run, of which nobody has seen anything; of its data least of all, from the first
        moment on."""
        self._audit = self._counters = self._timeline = None
        if self._audit_command():
            run.findings = {"error": "it was not made: the run was cut off"}

    def begin(self, run: Run, folder: Path) -> Event:
        """Look from now on. Returns when there may be users."""
        self._audit = self._start_audit(run, folder)
        self._timeline = Timeline(self._environment, self._counts)
        self._timeline.start()
        self._samples.begin()
        self._counters = Counters(self._environment.host)
        self._counters.start()
        return self._counters.has_looked

    def _audit_command(self) -> tuple[str, ...]:
        return audit_command(self._environment.host, self._audited_host)

    def _start_audit(self, run: Run, folder: Path) -> AuditProcess | None:
        facts = {
            "STAMPEDE_RUN_ID": run.id,
            "STAMPEDE_HOST": self._environment.host or "",
            "STAMPEDE_STARTED_AT": f"{run.started:.6f}",
        }
        command = self._audit_command()
        return AuditProcess(command, folder, facts) if command else None

    def reported(self, worker_id: str, report: Mapping[str, Any]) -> None:
        """A worker's report is in."""
        self._samples.add(worker_id, report)

    def end(self, run: Run) -> None:
        """All has been reported: what comes from now on is not of the run. The audit goes on."""
        if self._timeline:
            self._timeline.stop()
            run.seconds = self._timeline.rows()
        if self._counters:
            run.counters = self._counters.stop()
            run.events += self._counters.events
        self._samples.end()

    def conclude(self, run: Run) -> None:
        """The ledger is complete: the audit judges, and what the machines were like is put together."""
        if self._audit:
            run.findings = self._audit.conclude()
        run.readings = {
            "machine": self.machine,
            "samples": self.samples,
            "statements": self._audit.statements if self._audit else [],
            "clocks": self._samples.clocks(),
            "hub_lag": self._samples.hub_lag(settled(run.window, run.events)),
        }

    # What is known at any time.

    def seconds(self, since: int) -> list[dict[str, Any]]:
        """The rows from `since` on: stampede/run/timeline.py."""
        return self._timeline.rows(since) if self._timeline else []

    @property
    def events(self) -> list[dict[str, Any]]:
        """What the audit and the counters have seen, in the end in the run's own events too."""
        return [*self.alarms, *(self._counters.events if self._counters else ())]

    @property
    def alarms(self) -> list[dict[str, Any]]:
        """What the audit has seen while the run went on."""
        return self._audit.events if self._audit else []

    @property
    def machine(self) -> dict[str, Any]:
        """What it takes place on: stampede/sampling/machine.py."""
        of_api = self._counters.machines if self._counters else ()
        return self._samples.machine(of_api, self._environment.host)

    @property
    def samples(self) -> dict[str, Any]:
        """As far as the run has come: a row a second of each role, see docs/samples.md."""
        return {
            "api": self._counters.samples if self._counters else [],
            "postgres": self._audit.samples if self._audit else [],
            "master": self._samples.master,
            "workers": self._samples.workers,
        }
