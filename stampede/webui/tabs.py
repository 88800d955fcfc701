"""Stampede's tabs in Locust's UI: Verdict, Outcomes, System and Events. Locust can only show tables of text.

The page receives the state `running` until the verdict is known. Locust's page polls only while the state is
`spawning` or `running`: after `stopping` it would show the counts of that moment permanently, and when the
users have stopped, the audit has only begun.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flask import Response, jsonify, request
from locust.runners import STATE_RUNNING, STATE_SPAWNING, STATE_STOPPING
from locust.web import WebUI

from stampede.facts.event import Event
from stampede.facts.verdict_json import Check, Judgement, Verdict
from stampede.report import formatting
from stampede.report.headline import headline
from stampede.run.driver import Driver
from stampede.webui.live import Live, Snapshot, shown
from stampede.webui.system import system_rows

Row = dict[str, Any]

SIGNS = {
    "PASS": "✓\xa0PASS",
    "FAIL": "✗\xa0FAIL",
    "UNKNOWN": "?\xa0UNKNOWN",
    "NOT_ASKED": "–\xa0not\xa0asked",
}
"""The text of each verdict, with a sign. static/locust.js colours the verdicts by their signs."""

STATUSES = ("200", "201", "204", "404", "409", "422", "503")
"""The statuses with their own column; all others share one."""

MOST_EVENTS = 200
"""Newest events that are shown: more would make the page slow."""

PAGES = (("./stampede/charts", "Live charts"), ("./stampede/reports", "Reports of all runs"))
"""Links in Locust's tab Download Data: its page has no other place for links."""


def add(web_ui: WebUI, driver: Driver, live: Live) -> None:
    """Add the tabs to Locust's page, and their rows to the response it polls for."""
    web_ui.template_args["extended_tabs"] = [{"key": tab.key, "title": tab.title} for tab in TABS]
    web_ui.template_args["extended_tables"] = [
        {"key": tab.key, "structure": [{"key": name, "title": title} for name, title in tab.columns.items()]}
        for tab in TABS
    ]
    web_ui.template_args["extended_csv_files"] = [{"href": href, "title": title} for href, title in PAGES]

    @web_ui.app.after_request
    def add_rows(response: Response) -> Response:
        if not request.path.endswith("/stats/requests") or response.status_code != 200:
            return response  # another page, or a client without a session
        stats = response.get_json()  # a copy: Locust caches the response for two seconds
        snapshot = live.snapshot()
        extended = [{"key": tab.key, "data": tab.rows(snapshot)} for tab in TABS]
        return jsonify(
            {**stats, "state": state(stats["state"], driver.in_progress), "extended_stats": extended}
        )


def state(locust_state: str, in_progress: bool) -> str:
    """Return the state for the page, which makes it poll until the verdict is known.

    Locust's own state may be two seconds old.
    """
    polls_again = locust_state in (STATE_SPAWNING, STATE_RUNNING)
    is_over = not in_progress and locust_state != STATE_STOPPING
    return locust_state if polls_again or is_over else STATE_RUNNING


def verdict_rows(snapshot: Snapshot) -> list[Row]:
    """Return the rows of the run, its three parts and their checks; failed and unknown checks come first.

    static/locust.js reads the row of the run: it shows its headline above the table, and links to the report
    of the id that its detail begins with, when its phase is `done`.
    """
    judgement, facts = snapshot.verdict, snapshot.facts
    if judgement is None or facts is None:
        return []
    left = snapshot.figures["left_s"]
    details = [facts.id, formatting.load_name(facts), formatting.PHASES[facts.phase]]
    details += [f"{left:.0f} s left"] if left else []
    silent = snapshot.figures["silent_s"]
    details += [f"no answer for {silent} s"] if silent else []
    details += [f"exit code {judgement.exit_code}"] if judgement.exit_code is not None else []
    whole = {
        "part": "RUN",
        "check": headline(facts, judgement),
        "stands": _sign(judgement.verdict, judgement),
    }
    parts = [
        {"part": name.upper(), "stands": _sign(part.verdict, judgement)}
        for name, part in judgement.parts.items()
    ]
    checks = [(name, check) for name, part in judgement.parts.items() for check in part.checks]
    checks.sort(key=lambda named: named[1].verdict not in (Verdict.FAIL, Verdict.UNKNOWN))
    rows = [_check(name, check, judgement) for name, check in checks]
    return [{**whole, "detail": ", ".join(details)}, *parts, *rows]


def _check(part: str, check: Check, judgement: Judgement) -> Row:
    near = ", near its limit" if check.verdict is Verdict.PASS and check.colour == "yellow" else ""
    return {
        "part": part,
        "check": formatting.title(check.name),
        "stands": f"{_sign(check.verdict, judgement)}{near}",
        "measured": check.figure or "",
        "limit": check.limit or "",
        "detail": formatting.detail(check),
    }


def _sign(verdict: Verdict, judgement: Judgement) -> str:
    text = shown(verdict, judgement)
    return SIGNS.get(text, f"…\xa0{text}")


def outcome_rows(snapshot: Snapshot) -> list[Row]:
    """Return a row for each route, with its requests by status.

    The column "No answer" counts requests without a complete response.
    """
    if snapshot.facts is None:
        return []
    return [_route(route, statuses) for route, statuses in snapshot.facts.outcomes.items()]


def _route(route: str, statuses: Mapping[str, int]) -> Row:
    others = [f"{status}: {count:,}" for status, count in statuses.items() if status not in (*STATUSES, "0")]
    counts = {f"s{status}": statuses.get(status, "") for status in STATUSES}
    return {
        "route": route,
        "all": sum(statuses.values()),
        **counts,
        "others": ", ".join(others),
        "none": statuses.get("0", ""),
    }


NOTHING_YET: Row = {
    "at": "",
    "event": "no events",
    "facts": "restarts, lost workers and alarms are listed here",
}


def event_rows(snapshot: Snapshot) -> list[Row]:
    """Return a row for each event, newest first. The audit's events are shown at once."""
    if snapshot.facts is None:
        return []
    events = snapshot.facts.events[-MOST_EVENTS:]
    return [_event(event) for event in reversed(events)] or [NOTHING_YET]


def _event(event: Event) -> Row:
    return {
        "at": formatting.clock(event.at),
        "event": event.name.replace("_", " "),
        "facts": formatting.event(event),
    }


class Tab(NamedTuple):
    """One of Stampede's tabs. No column has the key `name`: Locust's page would sort by it."""

    key: str
    title: str
    columns: dict[str, str]
    """The title of each column, by its key in the rows."""
    rows: Callable[[Snapshot], list[Row]]


TABS = (
    Tab(
        "verdict",
        "Verdict",
        {
            **{"stands": "Verdict", "part": "Part", "check": "Check"},
            **{"measured": "Measured", "limit": "Limit", "detail": "Details"},
        },
        verdict_rows,
    ),
    Tab(
        "outcomes",
        "Outcomes",
        {
            **{"route": "Route", "all": "# Requests"},
            **{f"s{status}": status for status in STATUSES},
            **{"others": "Others", "none": "No answer"},
        },
        outcome_rows,
    ),
    Tab(
        "system",
        "System",
        {
            **{"role": "Role", "cpu": "CPU (of one core)", "memory": "Memory"},
            **{"throttled": "Throttled", "more": "Details"},
        },
        system_rows,
    ),
    Tab("events", "Events", {"at": "Time (UTC)", "event": "Event", "facts": "Details"}, event_rows),
)
