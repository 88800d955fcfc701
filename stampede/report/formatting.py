"""How figures, times and verdicts are written. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from stampede.facts.event import Event
from stampede.facts.run import ErrorFacts, ExceptionFacts
from stampede.facts.verdict import Check, Judgement, Offender, Verdict

PARTS = {
    "correct": "Is the data right?",
    "fast": "Was it fast enough?",
    "valid": "Can this run be trusted?",
}
SIGNS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.UNKNOWN: "?", Verdict.NOT_ASKED: "–"}
NONE = "–"
"""Stands where there is no figure."""

LOCUSTS_ERROR = re.compile(r"""\w+\((["'])(?P<text>.*)\1\)""", re.DOTALL)
"""`CatchResponseError('GET /health: 503')`: Locust tells errors as Python writes them."""

PLACE = re.compile(r'File ".*", line \d+, in .*')
"""A line of a traceback."""

NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML has no way to write, and C1's control characters."""


def number(value: float | None) -> str:
    """As exact as it is worth: 0.42, 4.1, 61,530."""
    if value is None:
        return NONE
    digits = 0 if value == int(value) or abs(value) >= 100 else 1 if abs(value) >= 1 else 2
    return f"{value:,.{digits}f}"


def change(difference: float) -> str:
    """With its sign."""
    return number(difference) if difference <= 0 else f"+{number(difference)}"


def milliseconds(value: float) -> str:
    """With their unit: of many seconds."""
    return f"{number(value / 1000)} s" if value >= 10_000 else f"{number(value)} ms"


def percent(share: float | None) -> str:
    """Of a share of 1. What is little is not nothing."""
    if share is None:
        return NONE
    return "< 0.1 %" if 0 < share < 0.001 else f"{number(round(share * 100, 1))} %"


def memory(megabytes: float | None) -> str:
    if megabytes is None:
        return NONE
    return f"{megabytes / 1024:,.1f} GB" if megabytes >= 1024 else f"{megabytes:,.0f} MB"


def count(number_of: int, one: str, many: str = "") -> str:
    """`1 worker`, `2 workers`."""
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"


def clock(moment: float | None) -> str:
    """`21:07:33`, UTC, of seconds since the epoch."""
    return NONE if moment is None else f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S}"


def day(moment: datetime) -> str:
    """`2026-11-22 21:07:33 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def duration(seconds: float | None) -> str:
    """`8.5 s`, `2 min 5 s`."""
    if seconds is None:
        return NONE
    if seconds < 120:
        return f"{number(round(seconds, 1))} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min" + (f" {rest} s" if rest else "")


def title(name: str) -> str:
    """`no_oversell` in words; a target is what was written."""
    return name.replace("_", " ") if name.isidentifier() else name


def unwrapped(text: str) -> str:
    """What the error says, without Python's wrapping."""
    wrapped = LOCUSTS_ERROR.fullmatch(text)
    return wrapped["text"] if wrapped else text


def printable(text: str) -> str:
    """Without control characters and halves of surrogates."""
    return NOT_PRINTABLE.sub("\ufffd", text)


def failure(error: ErrorFacts) -> str:
    """An error of Locust's statistics, with its route said once."""
    route, text = f"{error.method} {error.name}".strip(), unwrapped(error.error)
    return text if text.startswith(route) else f"{route}: {text}"


def exception(raised: ExceptionFacts) -> str:
    """Where it was raised, which is the last place of its traceback, and what it says."""
    places = PLACE.findall(raised.traceback)
    return ": ".join([*places[-1:], raised.message])


def offender(found: Offender) -> str:
    """What is wrong, and in brackets what one needs to find it."""
    what = found.get("what") or title(str(found.get("name", "")))
    rest = [f"{key} {value}" for key, value in sorted(found.items()) if key not in ("what", "name", "at")]
    when = [str(found["at"])] if found.get("at") else []
    return f"{what} ({', '.join([*rest, *when])})" if rest or when else str(what)


def event(happened: Event) -> str:
    """An event's facts, without its name and time."""
    facts: dict[str, Any] = {
        "worker": happened.worker,
        "id": happened.id,
        "at most": happened.at_most,
        "address": happened.address,
        "last look": happened.last_look and clock(happened.last_look),
        "last report": happened.last_report and clock(happened.last_report),
        **happened.facts,
    }
    return ", ".join(f"{title(key)} {value}" for key, value in sorted(facts.items()) if value is not None)


def in_words(check: Check) -> str:
    """A check's figure, its limit and its detail: `4.12 ms (< 200 ms): 9 requests`."""
    figure = f"{check.figure} ({check.limit}): " if check.figure and check.limit else ""
    return f"{figure}{detail(check)}"


def detail(check: Check) -> str:
    """What a check says besides its figure and its limit."""
    ended = "; it ended the run" * check.aborted
    return f"{check.detail}{ended}{' (optional)' * check.optional}"


def headline(judged: Judgement) -> str:
    """What the verdict means, in one sentence."""
    match judged.exit_code:
        case 0:
            return "All that was asked for holds."
        case 10:
            return "It did not do what was asked for."
        case 11:
            return "The data is wrong."
    if judged.valid.verdict not in (Verdict.PASS, Verdict.NOT_ASKED):
        return "This run cannot be trusted: its figures prove nothing."
    return "What was asked for could not be decided."


def reasons(judged: Judgement) -> list[tuple[str, Check]]:
    """The checks that do not hold, with their part; those that decided the verdict first."""
    order = {11: "correct", 12: "valid", 10: "fast"}
    decisive = order.get(judged.exit_code or 0, "correct")
    parts = sorted(PARTS, key=lambda part: part != decisive)
    return [
        (part, check)
        for part in parts
        for verdict in (Verdict.FAIL, Verdict.UNKNOWN)
        for check in judged.parts[part].checks
        if check.verdict is verdict
    ]


def tally(checks: Iterable[Check]) -> str:
    """`12 of 13 checks hold, 2 not asked`."""
    verdicts = [check.verdict for check in checks]
    asked = len(verdicts) - verdicts.count(Verdict.NOT_ASKED)
    if not asked:
        return "not asked"
    unasked = f", {verdicts.count(Verdict.NOT_ASKED)} not asked" if len(verdicts) > asked else ""
    return f"{verdicts.count(Verdict.PASS)} of {count(asked, 'check')} hold{unasked}"
