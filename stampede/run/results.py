"""What a run leaves behind: ``results/<run-id>/``, with ``run.json`` and Locust's own files."""

from __future__ import annotations

import csv
import json
import logging
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.html import get_html_report
from locust.stats import PERCENTILES_TO_REPORT, StatsCSVFileWriter, StatsError

from stampede.cluster import roster
from stampede.counting import figures
from stampede.counting.counts import Counts
from stampede.counting.errors import ErrorSamples
from stampede.counting.ledger import LedgerFile
from stampede.report import files
from stampede.run.run import Run
from stampede.verdict.verdict import verdict

logger = logging.getLogger(__name__)

SCHEMA = 2

FACTS_INTERVAL = 2.0
"""Seconds between two writings of run.json while a run goes on."""


class RunFolder:
    """The folder of one run: begun when it starts, so that one which is cut off leaves more than silence."""

    def __init__(self, results: Path, run: Run, environment: Environment, counts: Counts) -> None:
        self.path = results / run.id
        self.path.mkdir(parents=True)
        self._run = run
        self._environment = environment
        self._counts = counts
        self.ledger = LedgerFile(self.path / "ledger.jsonl.gz", run.id, self._those_there())
        self._csv = StatsCSVFileWriter(environment, PERCENTILES_TO_REPORT, str(self.path / "locust"))
        self.known = self._write_facts()
        """run.json, as it was last written."""
        self.verdict: dict[str, Any] | None = None
        """verdict.json; None until the run is over."""
        self._facts_writing = gevent.spawn(self._keep_writing_facts)
        self._csv_writing = gevent.spawn(self._csv.stats_writer)

    def _those_there(self) -> dict[str, str]:
        """Who takes part from the beginning: one that dies before its first report is missed too."""
        runner = self._environment.runner
        return {roster.label(runner, worker): worker for worker in roster.there(runner)}

    def leave(self) -> None:
        """Write nothing more: what is counted from now on is another run's."""
        gevent.killall([self._facts_writing, self._csv_writing])

    def close(self) -> None:
        """Write what is known at the end."""
        gevent.kill(self._facts_writing)
        self._finish_csv()
        page = get_html_report(self._environment, show_download_link=False)
        (self.path / "locust.html").write_text(page, encoding="utf-8")
        self.known = self._write_facts()
        judged = verdict(self.known)
        self._write("verdict.json", judged)
        _report(self.path)
        self.verdict = judged

    def _keep_writing_facts(self) -> None:
        """What is there if the master dies."""
        while True:
            gevent.sleep(FACTS_INTERVAL)
            self.known = self._write_facts()

    def _write_facts(self) -> dict[str, Any]:
        known = facts(self._run, self._environment, self._counts)
        self._write("run.json", known)
        return known

    def _write(self, name: str, content: dict[str, Any]) -> None:
        _write(self.path / name, content)

    def _finish_csv(self) -> None:
        """Write the totals once more: Locust's writer looks once a second and misses the last one."""
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
    """Runs whose master died get a verdict too, on what was known then."""
    for facts_file in results.glob("*/run.json"):
        verdict_file = facts_file.with_name("verdict.json")
        if facts_file.parent.is_symlink() or verdict_file.exists():
            continue
        try:
            known = json.loads(facts_file.read_text(encoding="utf-8"))
            known["interrupted"] = True
            judged = verdict(known)
            _write(facts_file, known)
            _write(verdict_file, judged)
            _report(facts_file.parent)
        except Exception as error:  # what lies in a folder must not keep the master from starting
            logger.error(
                "stampede: %s is not concluded: %s: %s", facts_file.parent, type(error).__name__, error
            )


def _report(folder: Path) -> None:
    """A report that cannot be made must not cost the run it is of: it can be made again."""
    try:
        files.write(folder)
    except Exception as error:
        logger.error("stampede: %s has no report: %s: %s", folder, type(error).__name__, error)


def _write(file: Path, content: dict[str, Any]) -> None:
    """All of it or nothing: whoever writes may be killed in the middle."""
    begun = file.with_suffix(".part")
    begun.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    begun.replace(file)


def facts(run: Run, environment: Environment, counts: Counts) -> dict[str, Any]:
    """Facts and figures of a run, as in ``run.json``: times in ms, rates per second."""
    plan, total = run.plan, environment.stats.total
    window = (run.window.start, run.window.stop) if run.window else None
    return {
        "schema": SCHEMA,
        "id": run.id,
        "phase": run.phase,
        "interrupted": False,
        "as_planned": run.as_planned,
        "profile": plan and plan.profile,
        "user_classes": [user_class.__name__ for user_class in environment.user_classes],
        "host": environment.host,
        "locustfile": environment.locustfile,
        "users": plan.users if plan else environment.runner.target_user_count,
        "workers": run.workers,
        "lost_workers": run.lost_workers,
        "started_at": _iso(run.started),
        "written_at": _iso(time.time()),
        "requests": total.num_requests,
        "failures": total.num_failures,
        "outcomes": counts.outcomes.by_route(),
        "overload": bool(plan and plan.overload),
        "errors": [_error(error, counts.errors) for error in environment.stats.errors.values()],
        "exceptions": [
            {"count": exception["count"], "message": exception["msg"], "traceback": exception["traceback"]}
            for exception in environment.runner.exceptions.values()
        ],
        "window": window and figures.window(counts.latencies, *window),
        "pace": window and figures.pace(counts.latencies, *window, plan.window_pace if plan else None),
        "promises": run.promises,
        "audit": run.findings,
        "counters": run.counters,
        "targets": run.targets,
        "aborted": run.aborted,
        "stages": run.stages,
        "seconds": run.seconds,
        "races": run.races,
        "clock_set_s": round(run.clock_set, 3),
        **run.readings,
        "events": told(run.events),
    }


def told(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Events as they stand in ``run.json``, in the order in which they happened."""
    ordered = sorted(events, key=lambda event: float(event["at"]))
    return [{**event, "at": _iso(event["at"])} for event in ordered]


def _error(error: StatsError, samples: ErrorSamples) -> dict[str, Any]:
    text = error.parse_error(error.error)
    first_at, last_at = (moment and _iso(moment) for moment in (error.first_seen, error.last_seen))
    return {
        **{"method": error.method, "name": error.name, "error": text, "occurrences": error.occurrences},
        **{"first_at": first_at, "last_at": last_at, "sample": samples.of(error.method, error.name, text)},
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
