"""What a run leaves behind: ``results/<run-id>/``, with ``run.json`` and Locust's own files."""

from __future__ import annotations

import csv
import logging
import time
from datetime import UTC, datetime
from pathlib import Path

import gevent
from locust.env import Environment
from locust.html import get_html_report
from locust.stats import PERCENTILES_TO_REPORT, StatsCSVFileWriter, StatsError
from msgspec.structs import replace

from stampede.cluster import roster
from stampede.counting import figures
from stampede.counting.counts import Counts
from stampede.counting.errors import ErrorSamples
from stampede.counting.ledger import LedgerFile
from stampede.facts import run as run_json
from stampede.facts.run import ErrorFacts, ExceptionFacts, Facts
from stampede.facts.verdict import Judgement
from stampede.report import files
from stampede.run.run import Run

logger = logging.getLogger(__name__)

FACTS_INTERVAL = 2.0
"""Seconds between two writings of run.json while a run goes on."""


class RunFolder:
    """The folder of one run: begun when it starts, so that one which is cut off leaves more than silence."""

    def __init__(self, results: Path, run: Run, environment: Environment, counts: Counts) -> None:
        self.path = results / run.id
        self.path.mkdir(parents=True)
        self.run = run
        self._environment = environment
        self._counts = counts
        ledger = self.path / "ledger.jsonl.gz"
        self.ledger = LedgerFile(ledger, run.id, self._workers_there(), run.events)
        self._csv = StatsCSVFileWriter(environment, PERCENTILES_TO_REPORT, str(self.path / "locust"))
        self.known = self._write_facts()
        """run.json, as it was last written."""
        self.judgement: Judgement | None = None
        """verdict.json; None until the run is over."""
        self._facts_writing = gevent.spawn(self._keep_writing_facts)
        self._csv_writing = gevent.spawn(self._csv.stats_writer)

    def _workers_there(self) -> dict[str, str]:
        """Those that take part from the beginning: one that dies before its first report is missed too."""
        runner = self._environment.runner
        return {roster.label(runner, worker): worker for worker in roster.there(runner)}

    def leave(self) -> None:
        """Write nothing more: what is counted from now on is another run's."""
        gevent.killall([self._facts_writing, self._csv_writing])

    def close(self) -> None:
        """Write what is known at the end, and what is made from it. Raises OSError."""
        gevent.kill(self._facts_writing)
        self._finish_csv()
        page = get_html_report(self._environment, show_download_link=False)
        (self.path / "locust.html").write_text(page, encoding="utf-8")
        self.known = self._write_facts()
        self.judgement = _judge(self.path)

    def _keep_writing_facts(self) -> None:
        """What is there if the master dies."""
        while True:
            gevent.sleep(FACTS_INTERVAL)
            self.known = self._write_facts()

    def _write_facts(self) -> Facts:
        known = facts(self.run, self._environment, self._counts)
        run_json.write(self.path, "run.json", known)
        return known

    def _finish_csv(self) -> None:
        """Write the totals again: Locust's writer looks once a second and misses the last one."""
        gevent.kill(self._csv_writing)
        self._csv.close_files()
        totals = {
            "stats": self._csv.requests_csv,
            "failures": self._csv.failures_csv,
            "exceptions": self._csv.exceptions_csv,
        }
        for name, write in totals.items():
            with (self.path / f"locust_{name}.csv").open("w", newline="") as file:
                write(csv.writer(file))


def conclude_interrupted(results: Path) -> None:
    """Judge the runs whose master died by what was known then."""
    for facts_file in results.glob("*/run.json"):
        folder = facts_file.parent
        if folder.is_symlink() or (folder / "verdict.json").exists():
            continue
        try:
            run_json.write(folder, "run.json", replace(run_json.read(folder), interrupted=True))
            _judge(folder)
        except Exception as error:  # what lies in a folder must not keep the master from starting
            logger.error("stampede: %s is not concluded: %s: %s", folder, type(error).__name__, error)


def _judge(folder: Path) -> Judgement:
    """A report that cannot be made must not cost the verdict of its run: it can be made again."""
    known, judgement = files.judge(folder)
    try:
        files.write(folder, known, judgement)
    except Exception as error:
        logger.error("stampede: %s has no report: %s: %s", folder, type(error).__name__, error)
    return judgement


def facts(run: Run, environment: Environment, counts: Counts) -> Facts:
    """Return the facts and figures of a run as they are now."""
    plan, total = run.plan, environment.stats.total
    window = (run.window.start, run.window.stop) if run.window else None
    pace = plan.window_pace if plan else None
    return Facts(
        id=run.id,
        phase=run.phase,
        interrupted=False,
        as_planned=run.as_planned,
        profile=plan.profile if plan else None,
        user_classes=[user_class.__name__ for user_class in environment.user_classes],
        host=environment.host,
        locustfile=environment.locustfile,
        users=plan.users if plan else environment.runner.target_user_count,
        workers=run.workers,
        lost_workers=run.lost_workers,
        started_at=_utc(run.started),
        written_at=_utc(time.time()),
        requests=total.num_requests,
        failures=total.num_failures,
        outcomes=counts.outcomes.by_route(),
        overload=bool(plan and plan.overload),
        errors=[_error(error, counts.errors) for error in environment.stats.errors.values()],
        exceptions=[
            ExceptionFacts(
                count=exception["count"], message=exception["msg"], traceback=exception["traceback"]
            )
            for exception in environment.runner.exceptions.values()
        ],
        window=figures.window(counts.latencies, *window) if window else None,
        pace=figures.pace(counts.latencies, *window, pace) if window else None,
        promises=run.promises,
        audit=run.audit,
        counters=run.counters,
        targets=run.targets,
        aborted=run.aborted,
        stages=run.stages,
        seconds=run.seconds,
        races=run.races,
        clock_set_s=round(run.clock_set, 3),
        machine=run.machine,
        samples=run.samples,
        statements=run.statements,
        clocks=run.clocks,
        hub_lag=run.hub_lag,
        events=sorted(run.events, key=lambda event: event.at),
    )


def _error(error: StatsError, samples: ErrorSamples) -> ErrorFacts:
    text = error.parse_error(error.error)
    return ErrorFacts(
        method=error.method,
        name=error.name,
        error=text,
        occurrences=error.occurrences,
        first_at=error.first_seen,
        last_at=error.last_seen,
        sample=samples.of(error.method, error.name, text),
    )


def _utc(seconds: float) -> datetime:
    """To the millisecond: more is not meant."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)
