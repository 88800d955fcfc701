"""Formats figures, times and verdicts as text. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from stampede.facts.event import Event
from stampede.facts.figures import Window
from stampede.facts.run_json import ErrorFacts, ExceptionFacts, Facts, Phase
from stampede.facts.verdict_json import Check, Judgement, Offender, Verdict
from stampede.verdict.silences import is_silence

PARTS = {
    "correct": "Is the data right?",
    "fast": "Was it fast enough?",
    "valid": "Can this run be trusted?",
}
SIGNS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.UNKNOWN: "?", Verdict.NOT_ASKED: "–"}
PHASES = {
    Phase.RAMP: "users are starting",
    Phase.WINDOW: "all users are running",
    Phase.STOPPING: "users are stopping",
    Phase.AUDITING: "the data is being checked",
    Phase.WRITING: "the report is being written",
    Phase.DONE: "done",
}
"""What happens in each phase of a run."""

NONE = "–"
"""Shown where there is no figure."""

BY_FORM = "form, no profile"
"""Shown instead of a profile where a run was started with the numbers of the UI's form."""

LOCUST_ERROR = re.compile(r"""\w+\((["'])(?P<text>.*)\1\)""", re.DOTALL)
"""`CatchResponseError('GET /health: 503')`: Locust keeps errors as Python's repr."""


def number(value: float | None) -> str:
    """Return a number with about three significant digits: 0.42, 4.1, 61,530."""
    if value is None:
        return NONE
    digits = 0 if value == int(value) or abs(value) >= 100 else 1 if abs(value) >= 1 else 2
    return f"{value:,.{digits}f}"


def compact(value: float) -> str:
    """Return a number without zeros at its end: 1.25, 40, 2,500."""
    return f"{value:,.10g}"


def change(difference: float) -> str:
    """Return a difference with its sign."""
    return number(difference) if difference <= 0 else f"+{number(difference)}"


def milliseconds(value: float) -> str:
    """Return a time in ms with its unit; in seconds from 10 s on."""
    return f"{number(value / 1000)} s" if value >= 10_000 else f"{number(value)} ms"


def percent(share: float | None) -> str:
    """Return a share of 1 in percent; a small share is not shown as 0."""
    if share is None:
        return NONE
    return "< 0.1 %" if 0 < share < 0.001 else f"{number(round(share * 100, 1))} %"


def memory(megabytes: float | None) -> str:
    """Return an amount of memory with its unit: 512 MB, 1.5 GB."""
    if megabytes is None:
        return NONE
    return f"{megabytes / 1024:,.1f} GB" if megabytes >= 1024 else f"{megabytes:,.0f} MB"


def count(number_of: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 worker`, `2 workers`."""
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"


def clock(moment: float | None) -> str:
    """Return the UTC time of seconds since the epoch: `21:07:33`."""
    return NONE if moment is None else f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S}"


def day(moment: datetime) -> str:
    """Return a date and time: `2026-11-22 21:07:33 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def duration(seconds: float | None) -> str:
    """Return a duration: `8.5 s`, `2 min 5 s`."""
    if seconds is None:
        return NONE
    if seconds < 120:
        return f"{number(round(seconds, 1))} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min" + (f" {rest} s" if rest else "")


def silence(happened: Event) -> str:
    """Return from when to when the target was silent: `12:00:30 to 12:00:35 (5 s)`."""
    until, seconds = happened.facts["until"], happened.facts["seconds"]
    return f"{clock(happened.at)} to {clock(until)} ({seconds} s)"


def left_out(window: Window) -> str:
    """Return a mention of the seconds that are not in a window's figures; an empty text without any."""
    match window.moving_seconds:
        case 0:
            return ""
        case window.seconds:
            return " (workers joined or left in each second)"
    return f" (without {window.moving_seconds} s in which workers joined or left)"


def title(name: str) -> str:
    """Return `no oversell` for `no_oversell`; a target stays as the user wrote it."""
    return name.replace("_", " ") if name.isidentifier() else name


def unwrapped(text: str) -> str:
    """Return the text of an error, without the exception's name around it."""
    wrapped = LOCUST_ERROR.fullmatch(text)
    return wrapped["text"] if wrapped else text


def load_name(run: Facts) -> str:
    """Return what set the load of a run: its profile, its locustfile, its shape, or the form of the UI."""
    if run.shape and run.profile != run.shape:
        return f"shape {run.shape}, targets of {run.profile}"
    return f"shape {run.shape}" if run.shape else run.profile or BY_FORM


def failure(error: ErrorFacts) -> str:
    """Return an error of Locust's statistics, with its route once in front."""
    route, text = f"{error.method} {error.name}".strip(), unwrapped(error.error)
    return text if text.startswith(route) else f"{route}: {text}"


def exception(raised: ExceptionFacts) -> str:
    """Return the class of an exception, where it was raised, and its message."""
    where = f" at {raised.place}" if raised.place else ""
    return f"{raised.error}{where}: {raised.message}"


def offender(wrong: Offender) -> str:
    """Return what is wrong, and in brackets the keys and the time to find it by.

    A finding of a custom audit may have neither `what` nor `name`: then it is its facts.
    """
    what = str(wrong.get("what") or title(str(wrong.get("name") or "")))
    known = {key: value for key, value in sorted(wrong.items()) if value is not None}
    facts = [f"{key} {_fact(value)}" for key, value in known.items() if key not in ("what", "name", "at")]
    listed = ", ".join([*facts, *([str(known["at"])] if "at" in known else [])])
    return f"{what} ({listed})" if what and listed else what or listed


def _fact(value: Any) -> str:
    """Return a fact of a finding as text; a list or an object as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def event(happened: Event) -> str:
    """Return the facts of an event, without its name and time."""
    facts: dict[str, Any] = {
        "worker": happened.worker,
        "at most": happened.at_most,
        "address": happened.address,
        "last look": happened.last_look and clock(happened.last_look),
        "last report": happened.last_report and clock(happened.last_report),
        **happened.facts,
    }
    if is_silence(happened):
        facts["until"] = clock(facts["until"])
    return ", ".join(f"{title(key)} {value}" for key, value in sorted(facts.items()) if value is not None)


def in_words(check: Check) -> str:
    """Return a check's figure, limit and detail: `4.12 ms (< 200 ms): 9 requests`.

    The detail of a check that is no target holds its figure already: only the limit is added, unless the
    detail holds that, too.
    """
    if not check.figure or not check.limit or f"limit {check.limit}" in check.detail:
        return detail(check)
    if check.colour:
        return f"{check.figure} ({check.limit}): {detail(check)}"
    return f"{detail(check)} (limit: {check.limit})"


def detail(check: Check) -> str:
    """Return a check's detail, and whether it is optional or ended the run."""
    ended = "; it ended the run" * check.aborted
    return f"{check.detail}{ended}{' (optional)' * check.optional}"


def reasons(judged: Judgement) -> list[tuple[str, Check]]:
    """Return the checks that do not hold, each with its part; first those that decided the verdict."""
    part_of_exit_code = {11: "correct", 12: "valid", 10: "fast"}
    decisive = part_of_exit_code.get(judged.exit_code or 0, "correct")
    parts = sorted(PARTS, key=lambda part: part != decisive)
    return [
        (part, check)
        for part in parts
        for verdict in (Verdict.FAIL, Verdict.UNKNOWN)
        for check in judged.parts[part].checks
        if check.verdict is verdict
    ]


def tally(checks: Iterable[Check]) -> str:
    """Return how many checks passed: `12 of 13 checks passed, 2 not asked`."""
    verdicts = [check.verdict for check in checks]
    asked = len(verdicts) - verdicts.count(Verdict.NOT_ASKED)
    if not asked:
        return "no checks"
    unasked = f", {verdicts.count(Verdict.NOT_ASKED)} not asked" if len(verdicts) > asked else ""
    return f"{verdicts.count(Verdict.PASS)} of {count(asked, 'check')} passed{unasked}"
