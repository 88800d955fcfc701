"""The observers of a run in progress: its timeline, the API's own counters, the audit, the samples.

Their data can be read at any time. At the end of the run it becomes part of the run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gevent
from gevent import Greenlet
from gevent.event import Event as Flag
from locust.env import Environment

from stampede.cluster import roster
from stampede.cluster.delivery import Loss
from stampede.counting.counts import Counts
from stampede.counting.names import EVENT as OTHER_NAMES
from stampede.counting.names import MOST_NAMES
from stampede.facts.event import OUT_OF_MEMORY, Event
from stampede.facts.figures import Second
from stampede.facts.run_json import Audit
from stampede.facts.samples import Machine, ProcessSample, Samples
from stampede.run.audit_process import AuditProcess, audit_command
from stampede.run.results import RunFolder
from stampede.run.run import Run
from stampede.run.timeline import Timeline
from stampede.sampling import api_version
from stampede.sampling.counters import Counters
from stampede.sampling.memory_kills import MemoryKills
from stampede.sampling.samples import SampleCollector
from stampede.verdict.moves import settled

logger = logging.getLogger(__name__)

MEMORY_INTERVAL = 1.0
"""Seconds between two checks whether a process was killed for lack of memory."""

BLOCKED = 1.0
"""Seconds that a worker's hub is late from which on the worker was blocked: an event of the run."""

MAX_REASON = 300
"""Characters of the reason why a message was dropped."""


class Observers:
    """The observers of the newest run of one master."""

    def __init__(self, environment: Environment, counts: Counts, audited_host: str | None) -> None:
        self._environment = environment
        self._counts = counts
        self._audited_host = audited_host
        self._samples = SampleCollector(environment.runner)
        self._folder: RunFolder | None = None
        self._audit: AuditProcess | None = None
        self._counters: Counters | None = None
        self._version: Greenlet[..., str | None] | None = None
        self._timeline: Timeline | None = None
        self._memory: Greenlet[..., None] | None = None
        self._blocked_until: dict[str, float] = {}
        self._has_other_names = False

    def prepare(self, run: Run) -> None:
        """Drop the observers of the last run; mark the new run as not audited yet, if it has an audit.

        The mark must be set first: a run that is interrupted at once must not look like one without an audit.
        """
        self._folder = self._audit = self._counters = self._timeline = None
        if self._audit_command():
            run.audit = Audit(error="there was no audit: the run was interrupted")

    def begin(self, folder: RunFolder) -> Flag:
        """Start to observe the run of this folder; return the flag that is set when users may start."""
        run, self._folder = folder.run, folder
        self._blocked_until, self._has_other_names = {}, False
        self._audit = self._start_audit(run, folder.path)
        self._timeline = Timeline(self._environment, self._counts)
        self._timeline.start()
        self._samples.begin()
        self._memory = gevent.spawn(_watch_memory, run.events)
        self._counters = Counters(self._environment.host, run.events)
        self._counters.start()
        for series in (self._timeline, self._samples, self._counters.rows):
            self._counts.steps.add_series(series)
        if self._audit:
            self._counts.steps.add_series(self._audit.samples)
        return self._counters.has_polled

    def _audit_command(self) -> tuple[str, ...]:
        return audit_command(self._environment.host, self._audited_host)

    def _start_audit(self, run: Run, folder: Path) -> AuditProcess | None:
        facts = {
            "STAMPEDE_RUN_ID": run.id,
            "STAMPEDE_HOST": self._environment.host or "",
            "STAMPEDE_STARTED_AT": f"{run.started:.6f}",
        }
        command = self._audit_command()
        return AuditProcess(command, folder, facts, run.events) if command else None

    def worker_reported(self, worker_id: str, report: Mapping[str, Any]) -> None:
        """Add a worker's report to the ledger, which must lose nothing, and then to the samples."""
        if self._folder:
            self._folder.ledger.add(worker_id, report)
            label = roster.label(self._environment.runner, worker_id)
            self._folder.run.worker_totals.add(worker_id, label, report)
        for label, row in self._samples.add(worker_id, report):
            self._note_if_blocked(label, row)
        self._note_other_names(self._counts.names.examples)

    def _note_other_names(self, examples: Sequence[str]) -> None:
        """Add an event and a warning when requests are first counted together: there are too many names."""
        if self._folder is None or self._has_other_names or not examples:
            return
        self._has_other_names = True
        facts = {"after_the_first": MOST_NAMES, "such_as": ", ".join(examples)}
        self._folder.run.events.append(Event(name=OTHER_NAMES, at=time.time(), facts=facts))
        logger.warning(
            "stampede: after the first %d names, requests are counted as `other`, such as %s: "
            "give requests of one kind the same name (docs/locust.md)",
            MOST_NAMES,
            facts["such_as"],
        )

    def _note_if_blocked(self, worker: str, row: ProcessSample) -> None:
        """Add an event if the worker was blocked by its own code, such as a loop in a listener.

        The rows of a worker that was blocked for some seconds all show it. The first has the whole time.
        """
        seconds = (row.hub_lag_ms or 0.0) / 1000
        if self._folder is None or seconds < BLOCKED or row.second < self._blocked_until.get(worker, 0.0):
            return
        self._blocked_until[worker] = row.second + seconds
        event = Event(
            name="worker_blocked", at=row.second, worker=worker, facts={"seconds": round(seconds, 1)}
        )
        self._folder.run.events.append(event)

    def message_dropped(self, worker_id: str, reason: str) -> None:
        """Count a message that could not be read. The first of a run is an event."""
        if self._folder is None:
            return
        run = self._folder.run
        if not run.dropped_messages:
            label = roster.with_labels(self._environment.runner, worker_id)
            facts = {"reason": reason[:MAX_REASON]}
            run.events.append(Event(name="message_dropped", at=time.time(), worker=label, facts=facts))
        run.dropped_messages += 1

    def worker_changed(self, name: str, worker_id: str, loss: Loss | None) -> None:
        """Add the event `name` of a worker to the run; `loss` is given where the worker was lost."""
        if self._folder is None:
            return
        worker = roster.label(self._environment.runner, worker_id)
        event = Event(
            name=name,
            at=time.time(),
            worker=worker,
            id=worker_id,
            last_report=loss.last_report if loss else None,
            at_most=loss.at_most if loss else None,
        )
        self._folder.run.events.append(event)
        if name == "worker_left":
            self._folder.ledger.worker_left(worker)

    def end(self, run: Run) -> None:
        """Stop all observers but the audit, after the last report of the run."""
        if self._memory is not None:  # a greenlet that has ended is false
            self._memory.kill()
        if self._timeline:
            self._timeline.stop()
            run.seconds = self._timeline.rows()
            run.merged_until = self._counts.steps.end
            run.most_target_users = self._timeline.most_target_users
        if self._counters:
            run.counters = self._counters.stop()
        self._samples.end()
        # At the end, as it would delay the start; after the last poll, so that it is in no count.
        self._version = gevent.spawn(api_version.read, self._environment.host)

    def conclude(self, run: Run) -> None:
        """Wait for the audit's result, after the ledger is complete, and add all samples to the run."""
        if self._audit:
            run.audit = self._audit.conclude()
            run.statements = self._audit.statements
        if self._version is not None:  # a greenlet that has ended is false
            run.api_version = self._version.get()
        run.machine = self.machine
        run.samples = self.samples
        run.clocks = self._samples.clocks()
        run.hub_lag = self._samples.hub_lag(settled(run.window, run.events))
        run.ramp_lag = self._samples.hub_lag(range(int(run.started), int(run.window_start or time.time())))

    # Data of the run so far.

    def seconds(self, since: int) -> list[Second]:
        """Return the timeline's rows from the second `since` on, in seconds since the epoch."""
        return self._timeline.rows(since) if self._timeline else []

    @property
    def timeline(self) -> Timeline:
        """Return the timeline of the run, which has begun."""
        if self._timeline is None:
            raise ValueError("no run has begun")
        return self._timeline

    def reporting(self) -> Mapping[int, int]:
        """Return how many workers have sent samples of each second that is not merged."""
        return self._samples.reporting()

    def silent_addresses(self) -> list[Event]:
        """Return an event ``api_gone`` for each address of the API that does not answer now."""
        return self._counters.silent_addresses() if self._counters else []

    @property
    def machine(self) -> Machine:
        """Return the machine that the run takes place on."""
        api_machines = self._counters.machines if self._counters else ()
        return self._samples.machine(api_machines, self._environment.host)

    @property
    def samples(self) -> Samples:
        """Return the samples of the run so far."""
        return Samples(
            api=self._counters.samples if self._counters else [],
            postgres=self._audit.samples.all if self._audit else [],
            master=self._samples.master,
            workers=self._samples.workers,
        )


def _watch_memory(events: list[Event]) -> None:
    """Add an event for each second in which the kernel killed processes for lack of memory."""
    kills = MemoryKills()
    while True:
        gevent.sleep(MEMORY_INTERVAL)
        if processes := kills.new():
            events.append(Event(name=OUT_OF_MEMORY, at=time.time(), facts={"processes_killed": processes}))
