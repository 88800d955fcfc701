"""FAST: targets as they were measured are judged, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.facts.run_json import Facts
from stampede.facts.target import MeasuredTarget, Reading
from stampede.facts.verdict_json import Check, Verdict
from stampede.report.formatting import in_words
from stampede.targets import parser
from stampede.verdict.fast import colour, fast, judge, part_of_fast
from tests.facts import facts


def asked(
    text: str, actual: float | None = None, detail: str = "9 requests", aborted: bool = False
) -> MeasuredTarget:
    """A target of ``run.json``."""
    (target,) = parser.parse(text)
    return MeasuredTarget(target, Reading(actual, 9, detail), aborted)


def run(*wanted: MeasuredTarget, **changes: Any) -> Facts:
    return facts(**{"requests": 100, "targets": [*wanted], **changes})


@pytest.mark.parametrize(
    ("comparison", "limit", "actual", "expected"),
    [
        ("<", 200, 0, "green"),
        ("<", 200, 159.9, "green"),
        ("<", 200, 160, "yellow"),
        ("<", 200, 199.9, "yellow"),
        ("<", 200, 200, "red"),
        ("<=", 200, 200, "yellow"),
        ("<=", 200, 200.1, "red"),
        # from the other side: a fifth of what there is may go
        (">=", 500, 750, "green"),
        (">=", 500, 625, "yellow"),
        (">=", 500, 500, "yellow"),
        (">=", 500, 499, "red"),
        (">", 500, 500, "red"),
        # a limit of one percent is a limit like any other
        ("<", 1, 0.9, "yellow"),
        (">=", 1, 1, "yellow"),
        (">=", 0, 0, "green"),
        ("<=", 0, 0, "green"),
        ("=", 0, 0, "green"),
        ("=", 0, 1, "red"),
        ("=", 5, 5, "green"),
    ],
)
def test_a_limit_has_three_colours(comparison: str, limit: float, actual: float, expected: str) -> None:
    """A fifth to spare is green, up to it is yellow, beyond is red."""
    assert colour(comparison, actual, limit) == expected


def test_a_check_says_what_was_wanted_and_what_there_was() -> None:
    """In words and in numbers."""
    assert judge(asked("GET avg < 0.2s", 4.125)) == Check(
        name="GET avg",
        limit="< 200 ms",
        actual=4.125,
        figure="4.12 ms",
        unit="ms",
        count=9,
        colour="green",
        verdict=Verdict.PASS,
        detail="9 requests",
    )


@pytest.mark.parametrize(
    ("target", "verdict", "words"),
    [
        (asked("p95 < 1s", 1234.5), "FAIL", "1,234 ms (< 1,000 ms): 9 requests"),
        (asked("p95 < 1s", 900), "PASS", "900 ms (< 1,000 ms): 9 requests"),
        (asked("rps >= 500", 750.25), "PASS", "750/s (>= 500/s): 9 requests"),
        (asked("errors < 1%", 0.004), "PASS", "0.004 % (< 1 %): 9 requests"),
        (asked("5xx = 0", 1), "FAIL", "1 (= 0): 9 requests"),
        # three digits would say the contrary
        (asked("avg <= 200ms", 200.33), "FAIL", "200.33 ms (<= 200 ms): 9 requests"),
        (asked("avg > 1s", 1000.4), "PASS", "1,000.4 ms (> 1,000 ms): 9 requests"),
        (asked("errors < 1%", 0.99997), "PASS", "0.99997 % (< 1 %): 9 requests"),
        (asked("rps >= 500", 499.9), "FAIL", "499.9/s (>= 500/s): 9 requests"),
        # promised, and not to be decided
        (asked("p95 < 1s", None, "9 requests are too few"), "UNKNOWN", "9 requests are too few"),
        # what ended a run is beyond its limit, whatever came of it at the end
        (
            asked("p95 < 1s for 10s, abort", 1100, aborted=True),
            "FAIL",
            "1,100 ms (< 1,000 ms): 9 requests; it ended the run",
        ),
        # nobody depends on it
        (asked("p95 < 1s (optional)", 900), "PASS", "900 ms (< 1,000 ms): 9 requests"),
        (
            asked("p95 < 1s (optional)", 1100),
            "NOT_ASKED",
            "1,100 ms (< 1,000 ms): 9 requests (optional)",
        ),
        (asked("p95 < 1s (optional)", None, "no request"), "NOT_ASKED", "no request (optional)"),
    ],
)
def test_a_target_is_met_or_not_or_nobody_knows(target: MeasuredTarget, verdict: str, words: str) -> None:
    check = judge(target)
    assert (check.verdict, in_words(check)) == (verdict, words)


def test_what_is_optional_keeps_its_colour() -> None:
    """It is shown as it is, and counted nowhere."""
    check = judge(asked("p95 < 1s (optional)", 1100))
    assert (check.colour, check.optional) == ("red", True)


def test_a_run_that_was_cut_off_has_met_nothing() -> None:
    """Its targets were never measured: that is no pass."""
    (target,) = parser.parse("p95 < 1s")
    check = judge(MeasuredTarget(target, None))
    assert (check.verdict, check.detail) == ("UNKNOWN", "not measured: the run was interrupted")
    assert check.count == 0


def test_the_name_tells_over_how_long() -> None:
    assert judge(asked("p99 < 2s for 10s, abort", 1)).name == "p99 over any 10 s"


@pytest.mark.parametrize(
    ("wanted", "judged"),
    [
        ((), ["targets", "failures", "exceptions"]),
        ((asked("p95 < 1s", 5),), ["p95", "failures", "exceptions"]),
        # who says how much may fail has said so
        ((asked("errors < 1%", 0.5),), ["errors", "exceptions"]),
        ((asked("errors <= 1%", 0.5),), ["errors", "exceptions"]),
        ((asked("errors = 0", 0),), ["errors", "exceptions"]),
        # of every route, and so of all
        ((asked("every route errors < 1%", 0.5),), ["every route errors", "exceptions"]),
        # not of all that can fail: who never answers has no status
        ((asked("5xx = 0", 0),), ["5xx", "failures", "exceptions"]),
        ((asked("201 >= 1", 5),), ["201", "failures", "exceptions"]),
        # not at most
        ((asked("errors >= 1%", 5),), ["errors", "failures", "exceptions"]),
        # not of all, or not for sure
        ((asked("errors of POST < 1%", 0.5),), ["errors of POST", "failures", "exceptions"]),
        ((asked("errors of /login < 1%", 0.5),), ["errors of /login", "failures", "exceptions"]),
        ((asked("errors of complex < 1%", 0.5),), ["errors of complex", "failures", "exceptions"]),
        ((asked("errors < 1% (optional)", 0.5),), ["errors", "failures", "exceptions"]),
    ],
)
def test_failures_are_none_unless_a_target_says_how_many(
    wanted: tuple[MeasuredTarget, ...], judged: list[str]
) -> None:
    assert [check.name for check in fast(run(*wanted))] == judged


@pytest.mark.parametrize(
    ("changes", "detail", "verdict"),
    [
        ({}, "no targets set; no request failed", "NOT_ASKED"),
        ({"failures": 1}, "no targets set", "FAIL"),
        ({"exceptions": [{"count": 1}]}, "no targets set; no request failed", "FAIL"),
        ({"requests": 0}, "no targets set", "UNKNOWN"),
    ],
)
def test_without_targets_fast_is_never_a_pass(changes: dict[str, Any], detail: str, verdict: str) -> None:
    """Whatever failed makes it FAIL; that nothing failed says nothing of how fast it was."""
    checks = fast(run(**changes))
    assert (checks[0].name, checks[0].verdict, checks[0].detail) == ("targets", "NOT_ASKED", detail)
    assert part_of_fast(checks).verdict == verdict


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        (Check(name="locustfile_exit_code", verdict=Verdict.PASS), "PASS"),
        (Check(name="locustfile_exit_code", verdict=Verdict.FAIL), "FAIL"),
        (Check(name="goodput_kept", verdict=Verdict.PASS), "PASS"),
    ],
)
def test_what_was_asked_for_other_than_by_targets_counts(other: Check, verdict: str) -> None:
    """As by the locustfile itself."""
    assert part_of_fast([*fast(run()), other]).verdict == verdict


def test_an_optional_target_that_is_missed_asks_for_nothing() -> None:
    """So nothing is left that could make FAST a PASS."""
    assert part_of_fast(fast(run(asked("p95 < 1s (optional)", 1100)))).verdict == "NOT_ASKED"
    assert part_of_fast(fast(run(asked("p95 < 1s", 900)))).verdict == "PASS"


def test_exceptions_in_the_users_own_code_are_no_matter_of_targets() -> None:
    checks = fast(run(asked("errors < 1%", 0), exceptions=[{"count": 2}]))
    assert [check.name for check in checks if check.verdict == "FAIL"] == ["exceptions"]


def test_the_most_frequent_exception_is_named() -> None:
    exceptions = [{"count": 2, "error": "KeyError"}, {"count": 7, "error": "ValueError"}]
    check = fast(run(exceptions=exceptions))[-1]
    assert check.count == 9
    assert check.detail.startswith("9 in the locustfile's own code, most often ValueError at ")


@pytest.mark.parametrize(("code", "verdict"), [(0, "PASS"), (3, "FAIL")])
def test_the_locustfiles_own_exit_code_is_a_check_of_fast(code: int, verdict: str) -> None:
    """A locustfile that sets 1 has judged its run. One that sets 0 has asked for something, too."""
    checks = fast(run(locustfile_exit_code=code))
    assert (checks[-1].name, checks[-1].verdict, checks[-1].actual) == (
        "locustfile_exit_code",
        verdict,
        code,
    )
    assert part_of_fast(checks).verdict == verdict


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"requests": 0}, "UNKNOWN"),
        # it answered until its users were all there, and nobody since
        ({"window": {"total": {"requests": 0}}}, "UNKNOWN"),
        ({"window": {"total": {"requests": 0}}, "failures": 1}, "FAIL"),
        ({"window": {"total": {"requests": 1}}}, "PASS"),
        ({"window": None}, "PASS"),
    ],
)
def test_who_answers_nobody_has_not_passed(changes: dict[str, Any], verdict: str) -> None:
    """An API that hangs fails no request until somebody gives up."""
    (failures,) = (check for check in fast(run(**changes)) if check.name == "failures")
    assert (failures.verdict, failures.count) == (verdict, changes.get("failures", 0))
