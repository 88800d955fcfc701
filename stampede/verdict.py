"""The verdict on a run: facts in, PASS, FAIL or UNKNOWN out. Pure: no Locust, no files.

A *check* is a JSON object with at least ``name`` and ``verdict``. It is PASS, FAIL, UNKNOWN (promised,
and could not be decided) or NOT_ASKED (nobody promised it; counted nowhere). The checks make three
parts: CORRECT, the data is right; FAST, the targets were met; VALID, the run itself can be trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stampede.counted import all_requests_counted

VERDICTS = PASS, FAIL, UNKNOWN, NOT_ASKED = "PASS", "FAIL", "UNKNOWN", "NOT_ASKED"

Check = dict[str, Any]
Facts = Mapping[str, Any]

NO_AUDIT = "no audit is registered for this target: docs/audit.md shows how"
ALARMS = {"negative_stock", "oversold"}
"""Events of the audit that nothing can excuse."""

LEAST_GOODPUT = 0.8
"""Share of the best stage's goodput that the stage with the most users must have."""

MOST_LATE_REFUSALS = 0.01
"""Share of the refusals that may have taken over a second: 2,000 users keep a generator busy too."""

SLOWEST_AFTER = 1.2
"""Times the p95 of before that is allowed after too much was asked for."""

LEAST_OVERLAP = 0.5
"""Share of losers that must have met a winner: with fewer, a race was a queue."""


def verdict(run: Facts) -> dict[str, Any]:
    """``verdict.json``, made from ``run.json`` alone."""
    parts = {"correct": _part(_correct(run)), "fast": _part(_fast(run)), "valid": _part(_valid(run))}
    whole, exit_code = _whole(**{name: part["verdict"] for name, part in parts.items()})
    return {"verdict": whole, "exit_code": exit_code, **parts, "run": _run(run)}


def _whole(correct: str, fast: str, valid: str) -> tuple[str, int]:
    """The first that holds. Oversold is oversold, however little else of the run can be trusted."""
    if correct == FAIL:
        return FAIL, 11
    if valid not in (PASS, NOT_ASKED):
        return UNKNOWN, 12
    if fast == FAIL:
        return FAIL, 10
    if UNKNOWN in (correct, fast):
        return UNKNOWN, 12
    return PASS, 0


def _part(checks: list[Check]) -> dict[str, Any]:
    found = {check["verdict"] for check in checks}
    worst = next((each for each in (FAIL, UNKNOWN, PASS) if each in found), NOT_ASKED)
    return {"verdict": worst, "checks": checks}


def _correct(run: Facts) -> list[Check]:
    """The audit's findings. What a scenario promised to bring about must be there to be looked at."""
    audit = run.get("audit")
    if audit is None:
        return [{"name": "audit", "verdict": NOT_ASKED, "detail": NO_AUDIT}]
    if "error" in audit:
        return [*_alarms(run), {"name": "audit", "verdict": UNKNOWN, "detail": audit["error"]}]
    return [*_alarms(run), *(_held_to(check, run.get("promises", {})) for check in audit["checks"])]


def _alarms(run: Facts) -> list[Check]:
    """What was seen while the run went on stands, also where nobody had acted on it by the ledger."""
    alarms = [event for event in run.get("events", []) if event["name"] in ALARMS]
    if not alarms:
        return []
    detail = f"{len(alarms)} times units were sold that were not there, while the run went on"
    return [{"name": "alarms", "verdict": FAIL, "count": len(alarms), "detail": detail, "first": alarms[0]}]


def _held_to(check: Check, promises: Mapping[str, str]) -> Check:
    scenario = promises.get(check["name"])
    if check["verdict"] != NOT_ASKED or scenario is None:
        return check
    return {**check, "verdict": UNKNOWN, "detail": f"{check['detail']}, which {scenario} promises"}


def _fast(run: Facts) -> list[Check]:
    failures, exceptions = run["failures"], sum(each["count"] for each in run["exceptions"])
    return [
        _none_of("failures", failures, f"{failures} of {run['requests']} requests had no expected outcome"),
        _none_of("exceptions", exceptions, f"{exceptions} in the users' own code"),
        *(_overload(run) if run.get("overload") else ()),
    ]


def _overload(run: Facts) -> list[Check]:
    """Who is asked for more than it can serve serves what it can, says so at once, and recovers."""
    stages = run["stages"]
    if len(stages) < 2 or max(stage["users"] for stage in stages) < run["users"]:
        detail = (
            "a stage has no figures: its users were not all there for long enough; more RUN_TIME may help"
        )
        return [{"name": "goodput_kept", "verdict": UNKNOWN, "detail": detail}]
    most = max(stage["goodput"] for stage in stages)
    kept = max(stages, key=lambda stage: int(stage["users"]))["goodput"]
    refused, late = (sum(stage[name] for stage in stages) for name in ("refused", "refused_late"))
    return [
        _limit(
            "goodput_kept", 0 < LEAST_GOODPUT * most <= kept, f"{kept:.0f} of {most:.0f} requests/s served"
        ),
        _limit(
            "refused_in_time",
            late <= MOST_LATE_REFUSALS * refused,
            f"{refused:,} told to come back later, {late:,} of them after more than a second",
        ),
        _recovered(stages[0], stages[-1]),
    ]


def _recovered(before: Mapping[str, Any], after: Mapping[str, Any]) -> Check:
    if before["users"] != after["users"]:
        return {"name": "recovered", "verdict": NOT_ASKED, "detail": "it does not end with as many users"}
    p95_before, p95_after = before.get("p95_ms"), after.get("p95_ms")
    if p95_before is None or p95_after is None:
        return {"name": "recovered", "verdict": FAIL, "detail": "nothing was answered"}
    detail = f"p95 {p95_before} ms before, {p95_after} ms after"
    return _limit("recovered", p95_after <= SLOWEST_AFTER * p95_before, detail)


def _limit(name: str, is_kept: bool, detail: str) -> Check:
    return {"name": name, "verdict": PASS if is_kept else FAIL, "detail": detail}


def _none_of(name: str, count: int, detail: str) -> Check:
    return {"name": name, "verdict": FAIL if count else PASS, "count": count, "detail": detail}


def _valid(run: Facts) -> list[Check]:
    return [_came_to_its_end(run), _workers_reported(run), all_requests_counted(run), _contention(run)]


def _came_to_its_end(run: Facts) -> Check:
    if run.get("interrupted"):
        detail = "the master ended in the middle of it"
    elif run["window"] is None:
        detail = "it was ended before all its users were there"
    elif run["profile"] is not None and not run["as_planned"]:
        detail = "it was ended before its time"
    else:
        return {
            "name": "came_to_its_end",
            "verdict": PASS,
            "detail": f"a window of {run['window']['seconds']} s",
        }
    return {"name": "came_to_its_end", "verdict": UNKNOWN, "detail": detail}


def _workers_reported(run: Facts) -> Check:
    """A worker that is lost in the middle of a run is known to be, and its users are others' then."""
    lost = run.get("lost_workers", [])
    noticed = {event["id"]: event for event in run.get("events", []) if event["name"] == "worker_lost"}
    check = {"name": "workers_reported", "verdict": PASS, "count": len(lost)}
    if run.get("interrupted"):
        detail = "nobody was there to report to: the figures are those of the last seconds before"
        return {**check, "verdict": UNKNOWN, "detail": detail}
    if not lost:
        return {**check, "detail": f"all {run['workers']} to their end"}
    if set(lost) <= noticed.keys():
        return {**check, "detail": "; ".join(_lost(noticed[worker]) for worker in lost)}
    detail = f"lost {', '.join(lost)}: what was done since their last reports is not in the figures"
    return {**check, "verdict": UNKNOWN, "detail": detail}


def _lost(event: Mapping[str, Any]) -> str:
    """How much is missing, and when."""
    if event["last_report"] is None:
        return f"worker {event['id']} was lost before it reported anything"
    when = datetime.fromtimestamp(event["last_report"], UTC)
    return (
        f"worker {event['id']} was lost: what it did after its last report at {when:%H:%M:%S.%f}"
        f" is missing, at most {event['at_most']} requests if it died then"
    )


def _contention(run: Facts) -> Check:
    """A race in which nobody met anybody shows nothing."""
    losers = sum(race["losers"] for race in run.get("races", []))
    if not losers:
        check = {"name": "contention", "verdict": NOT_ASKED, "detail": "nobody lost a race"}
        return _held_to(check, run.get("promises", {}))
    overlapped = sum(race["overlap"] * race["losers"] for race in run["races"] if race["losers"])
    share = overlapped / losers
    detail = f"{share:.0%} of {losers} losers in {len(run['races'])} races met a winner"
    return {"name": "contention", "verdict": PASS if share >= LEAST_OVERLAP else UNKNOWN, "detail": detail}


def _run(run: Facts) -> dict[str, Any]:
    window = run["window"] or {"seconds": None, "rps": None}
    names = ("id", "profile", "users", "workers", "host", "started_at", "requests", "failures", "outcomes")
    return {**{name: run[name] for name in names}, "window_s": window["seconds"], "rps": window["rps"]}
