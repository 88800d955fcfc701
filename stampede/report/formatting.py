"""How figures, times and verdicts are written. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from stampede.facts.check import FAIL, NOT_ASKED, PASS, UNKNOWN, Check

PARTS = {
    "correct": "Is the data right?",
    "fast": "Was it fast enough?",
    "valid": "Can this run be trusted?",
}
SIGNS = {PASS: "✓", FAIL: "✗", UNKNOWN: "?", NOT_ASKED: "–"}
NONE = "–"
"""Stands where there is no figure."""

LOCUSTS_ERROR = re.compile(r"""\w+\((["'])(?P<text>.*)\1\)""", re.DOTALL)
"""`CatchResponseError('GET /health: 503')`: Locust tells errors as Python writes them."""

PLACE = re.compile(r'File ".*", line \d+, in .*')
"""A line of a traceback."""

NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML has no way to write, and C1's control characters."""

Judged = Mapping[str, Any]
"""``verdict.json``."""


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


def epoch(moment: str | float | None) -> float | None:
    """Seconds since the epoch, of an ISO time too; None of what is none."""
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment).timestamp()
        except ValueError:
            return None
    return moment


def clock(moment: str | float | None) -> str:
    """`21:07:33`, UTC."""
    seconds = epoch(moment)
    return NONE if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"


def day(moment: str | float | None) -> str:
    """`2026-11-22 21:07:33 UTC`."""
    seconds = epoch(moment)
    return NONE if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


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


def error(text: str) -> str:
    """What the error says, without Python's wrapping."""
    wrapped = LOCUSTS_ERROR.fullmatch(text)
    return wrapped["text"] if wrapped else text


def printable(text: str) -> str:
    """Without control characters and halves of surrogates."""
    return NOT_PRINTABLE.sub("\ufffd", text)


def failure(told: Mapping[str, Any]) -> str:
    """An error of Locust's statistics, with its route said once."""
    route, text = f"{told['method']} {told['name']}".strip(), error(str(told["error"]))
    return text if text.startswith(route) else f"{route}: {text}"


def exception(told: Mapping[str, Any]) -> str:
    """Where it was raised, which is the last place of its traceback, and what it says."""
    places = PLACE.findall(str(told.get("traceback") or ""))
    return ": ".join([*places[-1:], str(told["message"])])


def offender(found: Mapping[str, Any] | str) -> str:
    """What is wrong, and in brackets what one needs to find it. An audit of one's own may say it in words."""
    if not isinstance(found, Mapping):
        return str(found)
    what = found.get("what") or title(str(found.get("name", "")))
    rest = [f"{key} {value}" for key, value in sorted(found.items()) if key not in ("what", "name", "at")]
    when = [str(found["at"])] if found.get("at") else []
    return f"{what} ({', '.join([*rest, *when])})" if rest or when else str(what)


def event(told: Mapping[str, Any]) -> str:
    """An event's facts, without its name and time."""
    facts = sorted((key, value) for key, value in told.items() if key not in ("name", "at"))
    return ", ".join(f"{title(key)} {value}" for key, value in facts if value is not None)


def headline(judged: Judged) -> str:
    """What the verdict means, in one sentence."""
    match judged["exit_code"]:
        case 0:
            return "All that was asked for holds."
        case 10:
            return "It did not do what was asked for."
        case 11:
            return "The data is wrong."
    if judged["valid"]["verdict"] not in (PASS, NOT_ASKED):
        return "This run cannot be trusted: its figures prove nothing."
    return "What was asked for could not be decided."


def reasons(judged: Judged) -> list[tuple[str, Check]]:
    """The checks that do not hold, with their part; those that decided the verdict first."""
    order = {11: "correct", 12: "valid", 10: "fast"}
    decisive = order.get(judged["exit_code"], "correct")
    parts = sorted(PARTS, key=lambda part: part != decisive)
    return [
        (part, check)
        for part in parts
        for verdict in (FAIL, UNKNOWN)
        for check in judged[part]["checks"]
        if check["verdict"] == verdict
    ]


def tally(checks: Iterable[Check]) -> str:
    """`12 of 13 checks hold, 2 not asked`."""
    verdicts = [check["verdict"] for check in checks]
    asked = len(verdicts) - verdicts.count(NOT_ASKED)
    if not asked:
        return "nobody asked"
    unasked = f", {verdicts.count(NOT_ASKED)} not asked" if len(verdicts) > asked else ""
    return f"{verdicts.count(PASS)} of {count(asked, 'check')} hold{unasked}"
