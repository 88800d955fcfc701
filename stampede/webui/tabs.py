"""Our tabs in Locust's own UI: Verdict, Outcomes, System and Events. It shows tables there, and text in them.

Locust's page asks every two seconds while users are spawning or running. One that hears `stopping` asks never
again: it would say so for ever, with the counts of that moment. And when users have stopped, the audit has
only begun. So a run is called `running` until it has stopped and its verdict is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flask import Response, jsonify, request
from locust.runners import STATE_RUNNING, STATE_SPAWNING, STATE_STOPPING
from locust.web import WebUI

from stampede.facts.event import Event
from stampede.facts.verdict import Check, Judgement, Verdict
from stampede.report import formatting
from stampede.run.driver import Driver
from stampede.webui.live import Live, Look, shown
from stampede.webui.system import system_rows

Row = dict[str, Any]

SIGNS = {
    "PASS": "✓\xa0PASS",
    "FAIL": "✗\xa0FAIL",
    "UNKNOWN": "?\xa0UNKNOWN",
    "NOT_ASKED": "–\xa0not\xa0asked",
}
"""A verdict that is told from others without its colour, which a table of Locust's has not."""

STATUSES = ("200", "201", "204", "404", "409", "422", "503")
"""Those that have a column; others are named in one."""

MOST_EVENTS = 200
"""Of those that are shown, the newest: more would make the page slow."""

PAGES = (("./stampede/charts", "Live charts"), ("./stampede/reports", "Reports of all runs"))
"""What Locust's page links to, in its tab Download Data: it has no other place for links."""


def add(web_ui: WebUI, driver: Driver, live: Live) -> None:
    """Add the tabs, and their rows to what Locust's page asks for."""
    web_ui.template_args["extended_tabs"] = [{"key": tab.key, "title": tab.title} for tab in TABS]
    web_ui.template_args["extended_tables"] = [
        {"key": tab.key, "structure": [{"key": name, "title": title} for name, title in tab.columns.items()]}
        for tab in TABS
    ]
    web_ui.template_args["extended_csv_files"] = [{"href": href, "title": title} for href, title in PAGES]

    @web_ui.app.after_request
    def add_rows(response: Response) -> Response:
        if not request.path.endswith("/stats/requests") or response.status_code != 200:
            return response  # not to those who were turned away
        stats = response.get_json()  # Locust keeps the response for two seconds: it stays as it is
        look = live.look()
        extended = [{"key": tab.key, "data": tab.rows(look)} for tab in TABS]
        return jsonify(
            {**stats, "state": state(stats["state"], driver.in_progress), "extended_stats": extended}
        )


def state(of_locust: str, in_progress: bool) -> str:
    """What the page is told, so that it goes on asking. Locust's own may be two seconds old."""
    asks_again = of_locust in (STATE_SPAWNING, STATE_RUNNING)
    is_over = not in_progress and of_locust != STATE_STOPPING
    return of_locust if asks_again or is_over else STATE_RUNNING


def verdict_rows(look: Look) -> list[Row]:
    """The run, its three parts, and their checks: first those that did not pass."""
    judged, facts = look.verdict, look.facts
    if judged is None or facts is None:
        return []
    left = look.figures["left_s"]
    said = [facts.profile or "by the form's numbers", facts.phase.value]
    said += [f"{left:.0f} s left"] if left else []
    said += [f"exit code {judged.exit_code}"] if judged.exit_code is not None else []
    whole = {"part": "RUN", "check": facts.id, "stands": _sign(judged.verdict, judged)}
    parts = [
        {"part": name.upper(), "stands": _sign(part.verdict, judged)} for name, part in judged.parts.items()
    ]
    checks = [(name, check) for name, part in judged.parts.items() for check in part.checks]
    checks.sort(key=lambda each: each[1].verdict not in (Verdict.FAIL, Verdict.UNKNOWN))
    rows = [_check(name, check, judged) for name, check in checks]
    return [{**whole, "detail": ", ".join(said)}, *parts, *rows]


def _check(part: str, check: Check, judged: Judgement) -> Row:
    near = " (yellow)" if check.colour == "yellow" else ""
    return {
        "part": part,
        "check": check.name,
        "stands": f"{_sign(check.verdict, judged)}{near}",
        "measured": check.figure or "",
        "limit": check.limit or "",
        "detail": formatting.detail(check),
    }


def _sign(verdict: Verdict, judged: Judgement) -> str:
    text = shown(verdict, judged)
    return SIGNS.get(text, f"…\xa0{text}")


def outcome_rows(look: Look) -> list[Row]:
    """Route by status; "no answer" is a request that got no complete one."""
    if look.facts is None:
        return []
    return [_route(route, statuses) for route, statuses in look.facts.outcomes.items()]


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


NOTHING_YET: Row = {"at": "", "event": "none", "facts": "restarts, lost workers and alarms would stand here"}


def event_rows(look: Look) -> list[Row]:
    """Newest first. What the audit sees stands there at once."""
    if look.facts is None:
        return []
    events = look.facts.events[-MOST_EVENTS:]
    return [_event(event) for event in reversed(events)] or [NOTHING_YET]


def _event(event: Event) -> Row:
    return {
        "at": formatting.clock(event.at),
        "event": event.name.replace("_", " "),
        "facts": formatting.event(event),
    }


class Tab(NamedTuple):
    """One of ours. No column is a `name`: Locust's page would sort by it."""

    key: str
    title: str
    columns: dict[str, str]
    """What stands over each, by its key in the rows."""
    rows: Callable[[Look], list[Row]]


TABS = (
    Tab(
        "verdict",
        "Verdict",
        {
            **{"stands": "Verdict", "part": "Part", "check": "Check"},
            **{"measured": "Measured", "limit": "Limit", "detail": ""},
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
        {"role": "Role", "cpu": "CPU, of one core", "memory": "Memory", "throttled": "Throttled", "more": ""},
        system_rows,
    ),
    Tab("events", "Events", {"at": "At (UTC)", "event": "Event", "facts": ""}, event_rows),
)
