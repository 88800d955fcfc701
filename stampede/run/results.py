"""The folder of one run, with ``run.json`` and Locust's own files."""

from __future__ import annotations

import csv
import logging
import time
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import gevent
from locust.env import Environment
from locust.html import get_html_report
from msgspec.structs import replace

from stampede.cluster import roster
from stampede.counting import figures
from stampede.counting.counts import Counts
from stampede.counting.ledger_file import LedgerFile
from stampede.facts import run_json
from stampede.facts.run_json import Facts, Phase
from stampede.facts.verdict_json import Judgement
from stampede.report import files
from stampede.run.locust_csv import LocustCsv
from stampede.run.results_folder import ResultsFolder
from stampede.run.run import Run, wanted_users
from stampede.verdict.moves import without_moves

logger = logging.getLogger(__name__)

FACTS_INTERVAL = 2.0
"""Seconds between two writes of run.json during a run."""


class RunFolder:
    """The folder of one run; created at its start, so that an interrupted run has results too."""

    def __init__(self, results: ResultsFolder, run: Run, environment: Environment, counts: Counts) -> None:
        self._results = results
        self.path = results.unfinished / run.id
        self.path.mkdir(parents=True)
        self.run = run
        self._environment = environment
        self._counts = counts
        ledger = self.path / "ledger.jsonl.gz"
        self.ledger = LedgerFile(ledger, run.id, self._connected_workers(), run.events)
        self._csv = LocustCsv(environment, str(self.path / "locust"))
        self.facts = self._write_facts()
        """The content of run.json, as last written."""
        self.judgement: Judgement | None = None
        """The content of verdict.json; None until the run is over."""
        self._facts_writer = gevent.spawn(self._keep_writing_facts)
        self._csv_writer = gevent.spawn(self._csv.stats_writer)

    def _connected_workers(self) -> dict[str, str]:
        """Return the ids of the workers at the start, by label.

        The ledger needs them all: a worker may die before its first report.
        """
        runner = self._environment.runner
        return {roster.label(runner, worker): worker for worker in roster.connected_workers(runner)}

    def stop_writing(self) -> None:
        """Write nothing more: later counts belong to another run."""
        gevent.killall([self._facts_writer, self._csv_writer])

    def close(self) -> None:
        """Write the final run.json, Locust's files, the verdict and the report; move all to results/.

        Raises OSError. Then the files stay at `path`, and the next start of the master tries again.
        """
        gevent.kill(self._facts_writer)
        self._finish_csv()
        page = get_html_report(self._environment, show_download_link=False)
        self._write_labelled("locust.html", page)
        self.facts = self._write_facts()
        self.judgement = _judge(self.path)
        self.path = self._results.publish(self.path)
        # In a thread: the files of a long run are large, and deleting them would block the master.
        self.run.removed_runs = gevent.get_hub().threadpool.apply(self._results.remove_old)

    def _keep_writing_facts(self) -> None:
        """Write run.json again and again, so that a run has results where the master dies."""
        while True:
            gevent.sleep(FACTS_INTERVAL)
            self.facts = self._write_facts()

    def _write_facts(self) -> Facts:
        run_facts = facts(self.run, self._environment, self._counts)
        run_json.write(self.path, "run.json", run_facts)
        return run_facts

    def _finish_csv(self) -> None:
        """Write the totals again: Locust writes them once a second and misses the last second."""
        gevent.kill(self._csv_writer)
        self._csv.close_files()
        totals = {
            "stats": self._csv.requests_csv,
            "failures": self._csv.failures_csv,
            "exceptions": self._csv.exceptions_csv,
        }
        for name, write in totals.items():
            text = StringIO(newline="")
            write(csv.writer(text))
            self._write_labelled(f"locust_{name}.csv", text.getvalue())

    def _write_labelled(self, name: str, text: str) -> None:
        """Write a file of Locust's, with the labels of workers instead of their ids."""
        labelled = roster.with_labels(self._environment.runner, text)
        (self.path / name).write_text(labelled, encoding="utf-8", newline="")


def conclude_interrupted(results: ResultsFolder) -> None:
    """Judge the runs that have no verdict because their master died, by their last run.json.

    They are moved to results/, and so are runs that have a verdict and could not be moved at their end. Old
    runs are removed afterwards.
    """
    for facts_file in sorted(results.unfinished.glob("*/run.json")):
        folder = facts_file.parent
        try:
            if not (folder / "verdict.json").exists():
                run_json.write(folder, "run.json", replace(run_json.read(folder), interrupted=True))
                _judge(folder)
            results.publish_interrupted(folder)
        except Exception as error:  # a broken folder must not stop the master from starting
            logger.error("stampede: %s is not concluded: %s: %s", folder, type(error).__name__, error)
    results.remove_old()


def _judge(folder: Path) -> Judgement:
    """Write the verdict and the report of a run; return the verdict."""
    run_facts, judgement = files.judge(folder)
    try:
        files.write(folder, run_facts, judgement)
    except Exception as error:  # the verdict counts without a report, which can be made again
        logger.error("stampede: %s has no report: %s: %s", folder, type(error).__name__, error)
    return judgement


def facts(run: Run, environment: Environment, counts: Counts) -> Facts:
    """Return the facts and figures of a run so far."""
    plan = run.plan
    kept = without_moves(run.window, run.events)
    pace = plan.window_pace if plan and not plan.shape else None
    return Facts(
        id=run.id,
        phase=run.phase,
        interrupted=False,
        as_planned=run.as_planned,
        profile=plan.profile if plan else None,
        shape=plan.shape if plan else None,
        user_classes=[user_class.__name__ for user_class in environment.user_classes],
        host=environment.host,
        locustfile=environment.locustfile,
        locustfile_commit=run.locustfile_commit,
        api_version=run.api_version,
        users=wanted_users(run, environment.runner.target_user_count),
        workers=run.workers,
        lost_workers=run.lost_workers,
        started_at=_utc(run.started),
        written_at=_utc(time.time()),
        requests=counts.latencies.total_requests,
        failures=counts.latencies.total_failures,
        outcomes=counts.outcomes.by_route(),
        unreported=counts.unreported.facts(),
        worker_requests=run.worker_totals.facts(),
        dropped_messages=run.dropped_messages,
        overload=bool(plan and plan.overload),
        errors=counts.errors.facts(),
        exceptions=counts.exceptions.facts(),
        ended_users=counts.ended_users.facts(),
        window=figures.window(counts.latencies, run.window, kept, with_blocks=run.phase is Phase.WRITING)
        if run.window
        else None,
        pace=figures.pace(counts.latencies, kept or run.window, pace) if run.window else None,
        promises=run.promises,
        audit=run.audit,
        counters=run.counters,
        targets=run.targets,
        aborted=run.aborted,
        stopped_by=run.stopped_by,
        locustfile_exit_code=run.locustfile_exit_code,
        stages=run.stages,
        seconds=run.seconds,
        merged_until=run.merged_until,
        routes_over_time=run.routes_over_time,
        races=run.races,
        clock_set_s=round(run.clock_set, 3),
        machine=run.machine,
        samples=run.samples,
        statements=run.statements,
        clocks=run.clocks,
        hub_lag=run.hub_lag,
        ramp_lag=run.ramp_lag,
        events=sorted(run.events, key=lambda event: event.at),
        events_left_out=run.events.left_out,
    )


def _utc(seconds: float) -> datetime:
    """Return the time, rounded to milliseconds."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)
