"""How a run ended, as text that a console shows and anybody can paste."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.facts.event import Event
from stampede.facts.figures import StageFigures
from stampede.facts.run_json import Facts, Race
from stampede.facts.verdict_json import Judgement
from stampede.report.plain_text import SHARED, plain_text
from stampede.rig import snapshot
from stampede.verdict.verdict import verdict
from tests import runs
from tests.facts import facts, make

PARTS: dict[str, dict[str, Any]] = {
    "correct": {
        "verdict": "NOT_ASKED",
        "checks": [{"name": "audit", "verdict": "NOT_ASKED", "detail": "none"}],
    },
    "fast": {
        "verdict": "FAIL",
        "checks": [
            {
                **{"name": "p95 of POST /orders/ over any 5 s", "verdict": "PASS", "colour": "yellow"},
                **{"actual": 450.0, "figure": "450 ms", "limit": "< 500 ms", "unit": "ms"},
                "detail": "9,000 requests",
            },
            {
                **{"name": "lag", "verdict": "PASS", "actual": 1.34, "figure": "1.34 ms", "limit": "< 5 ms"},
                **{"unit": "ms", "detail": "1.34 ms, the worst of 4"},
            },
            {
                **{"name": "errors", "verdict": "FAIL", "colour": "red", "actual": 7.0, "aborted": True},
                **{"figure": "7 %", "limit": "< 1 %", "unit": "%", "detail": "90 requests"},
            },
            {"name": "targets", "verdict": "NOT_ASKED", "detail": "none were stated"},
            {
                **{"name": "stable", "verdict": "NOT_ASKED", "optional": True, "colour": "red"},
                **{"actual": 34.0, "figure": "34 %", "limit": "<= 20 %", "unit": "%", "detail": "slower"},
            },
            {
                **{"name": "failures", "verdict": "FAIL", "detail": "2 failed"},
                **{"first": {"what": "a", "at": "noon"}, "worst": {"what": "b", "id": 7}},
            },
            {
                **{"name": "exceptions", "verdict": "FAIL", "detail": "1 in the users' own code"},
                **{"first": {"what": "c"}, "worst": {"what": "c"}},
            },
        ],
    },
    "valid": {"verdict": "PASS", "checks": [{"name": "counted", "verdict": "PASS", "detail": "9 of 9"}]},
}
"""What is not asked for is left out, unless nothing of its part was; what is optional is shown."""

AS_TEXT = """FAIL: errors: 7 % (< 1 %): 90 requests; it ended the run
Run 20261122-210700-beef: heavy, 200 users, 2 workers, target http://api:8000

CORRECT  NOT_ASKED
  NOT_ASKED audit                      none

FAST     FAIL
  PASS      p95 of POST /orders/ over any 5 s 450 ms (< 500 ms): 9,000 requests; near its limit
  PASS      lag                               1.34 ms, the worst of 4 (limit: < 5 ms)
  FAIL      errors                            7 % (< 1 %): 90 requests; it ended the run
  NOT_ASKED stable                            34 % (<= 20 %): slower (optional)
  FAIL      failures                          2 failed
                                              first: a (noon)
                                              worst: b (id 7)
  FAIL      exceptions                        1 in the users' own code
                                              first: c

VALID    PASS
  PASS      counted                    9 of 9
"""


def judged(**parts: Any) -> Judgement:
    """A run that failed, with these parts."""
    return make(Judgement, verdict="FAIL", exit_code=10, **{**PARTS, **parts})


def lines(run: Facts) -> list[str]:
    """All but the two lines that say what was run and what came of it."""
    return plain_text(run, verdict(run)).splitlines()[2:]


def test_each_part_has_its_verdict_and_a_line_for_each_check() -> None:
    """A figure stands beside its limit; what is near it says so, and what ended the run."""
    run = runs.run()
    of_run = facts(id=run.id, profile=run.profile, users=run.users, workers=run.workers, host=run.host)
    assert plain_text(of_run, judged()) == AS_TEXT


def test_a_run_that_nothing_was_asked_of_says_so() -> None:
    """As without targets, and against an API of one's own."""
    run = facts(requests=100, as_planned=True, window={"seconds": 60, "total": {"requests": 90}})
    text = plain_text(run, verdict(run))
    assert text.startswith("NOT_ASKED: Valid; the data was not checked; no targets were set\n")
    assert "\nFAST     NOT_ASKED\n" in text
    assert f"  {'NOT_ASKED':9} {'targets':26} no targets set; no request failed\n" in text


def test_the_window_has_a_line_for_each_method() -> None:
    """With what waiting adds, where the users had a pace."""
    of_get = {"requests": 9, "failures": 1, "avg_ms": 4.42, "p50_ms": 3.4, "p95_ms": 1240.0}
    by_method = {"GET": of_get, "POST": runs.figures(11_900, 9.8), "PUT": {}}
    window = {"seconds": 53, "rps": 748.2, "by_method": by_method}
    assert lines(facts(window=window))[:4] == [
        "Window of 53 s: 748 requests/s",
        "  GET     9 requests, 1 failed; ms: average 4.4, p50 3.4, p95 1,240, p99 –",
        "  POST    11,900 requests, 0 failed; ms: average 12.7, p50 9.8, p95 39.2, p99 88.2"
        "; since they were due: p95 49, p99 1,720",
        "  PUT     0 requests",
    ]


@pytest.mark.parametrize(
    ("moving", "line"),
    [
        (0, "Window of 58 s: 748 requests/s"),
        (4, "Window of 58 s (without 4 s in which workers joined or left): 748 requests/s"),
        (58, "Window of 58 s (workers joined or left in each second): 748 requests/s"),
    ],
)
def test_seconds_that_are_not_in_the_figures_are_mentioned(moving: int, line: str) -> None:
    assert lines(facts(window={"seconds": 58, "moving_seconds": moving, "rps": 748.0}))[0] == line


def test_times_without_an_answer_are_listed() -> None:
    """Five of them at most."""
    events = [
        {
            "name": "target_silent",
            "at": runs.START + at,
            "facts": {"until": runs.START + at + 3, "seconds": 3},
        }
        for at in range(0, 70, 10)
    ]
    assert "No answer from 21:07:00 to 21:07:03 (3 s)" in lines(runs.run(events=events[:1]))
    (line,) = (line for line in lines(runs.run(events=events)) if line.startswith("No answer"))
    assert line.endswith("21:07:40 to 21:07:43 (3 s) and 2 more")
    assert not any(line.startswith("No answer") for line in lines(runs.run()))


def test_failed_requests_have_their_own_times() -> None:
    """Next to those of answered requests, of which there may be none."""
    failed = {"unanswered": 1_240, "avg_ms": 0.9, "p50_ms": 0.9, "p95_ms": 1.2, "p99_ms": 4.0}
    by_method = {
        "GET": {"requests": 9, "failures": 1, "avg_ms": 4.4, "failed": {"avg_ms": 7.0}},
        "POST": {"requests": 1_240, "failures": 1_240, "failed": failed},
    }
    assert lines(facts(window={"by_method": by_method}))[1:3] == [
        "  GET     9 requests, 1 failed; ms: average 4.4, p50 –, p95 –, p99 –"
        "; of failed: average 7, p50 –, p95 –, p99 –",
        "  POST    1,240 requests, 1,240 failed; ms: no times"
        "; of failed (1,240 without an answer): average 0.90, p50 0.90, p95 1.2, p99 4",
    ]


def test_several_stages_are_a_table() -> None:
    """One has all that the window has."""
    of_few, of_many = (
        make(StageFigures, users=users, rps=rps, goodput=goodput, **figures)
        for users, rps, goodput, figures in (
            (200, 740.2, 739.8, {"p50_ms": 3.2, "p95_ms": 14.0, "p99_ms": 31.5}),
            (2000, 1105.0, 830.5, {"refused": 14_210, "failures": 3, "p50_ms": 410.0, "p95_ms": 2300.0}),
        )
    )
    assert lines(facts(stages=[of_few, of_many]))[:4] == [
        "",
        "  users  requests/s  served/s  refused  failed   p50   p95   p99 ms",
        "    200       740.2     739.8        0       0   3.2    14  31.5",
        "  2,000     1,105.0     830.5   14,210       3   410 2,300     –",
    ]
    assert not any("served/s" in line for line in lines(facts(stages=[of_few])))


@pytest.mark.parametrize(
    ("winners", "overlaps", "line"),
    [
        (
            [1, 1, 1],
            [1.0, 0.5, 0.75],
            "3 rounds, 3 × 1 winner; median spread 2 ms, 75 % of the losers met a winner",
        ),
        ([2, 1, 2], [None, None, None], "3 rounds, 2 × 2 winners, 1 × 1 winner; median spread 2 ms"),
        (
            [1, 1, 2, 3, 4],
            [None, 1.0, None, None, None],
            "5 rounds, 2 × 1 winner, 1 × 2 winners, 1 × 3 winners, …; median spread 3 ms"
            ", 100 % of the losers met a winner",
        ),
    ],
)
def test_races_say_who_won_and_how_close_it_was(
    winners: list[int], overlaps: list[float | None], line: str
) -> None:
    """In the middle of all rounds; one in which nobody fired is none."""
    races = [
        make(Race, shots=9, spread_ms=float(place), winners=number, overlap=overlap)
        for place, (number, overlap) in enumerate(zip(winners, overlaps, strict=True), start=1)
    ]
    found = lines(facts(races=[*races, make(Race, winners=9, spread_ms=900.0)]))
    assert found[:2] == ["", f"Races: {line}"]
    assert not any("Races" in line for line in lines(facts(races=[make(Race)])))


def test_of_errors_the_most_frequent_are_shown_a_line_each() -> None:
    """With their routes; what an API answered does nothing to the terminal."""
    errors = [runs.error(occurrences=number, error=f"{number}") for number in range(1, 12)]
    errors += [runs.error(occurrences=5000, error="<html>\n" * 99 + "\x1b[2J")]
    errors += [runs.error(occurrences=4000, method="GET", name="/\x1b[2J\x9b\u202e", error="none")]
    exceptions = [{"count": 1, "message": f"{number}", "traceback": ""} for number in range(12)]
    found = lines(runs.run(errors=errors, exceptions=exceptions))
    found = [line for line in found if "×" in line or " more" in line]
    assert [len(line) for line in found if len(line) > 100] == [len("  5,000 × ") + 200]
    assert found[0].startswith("  5,000 × POST /orders/: <html> <html>")
    assert found[1:3] == ["  4,000 × GET /\ufffd[2J\ufffd\ufffd: none", "  11 × POST /orders/: 11"]
    assert found[9:11] == ["  4 × POST /orders/: 4", "  and 3 more"]
    assert found[11:][-1] == "  and 2 more"
    assert len(found) == 22


def test_of_an_exception_is_shown_where_it_was_raised() -> None:
    traceback = (
        '  File "/task.py", line 5, in run\n    go()\n  File "/mine.py", line 98, in <lambda>\n    own["x"]\n'
    )
    raised = {"error": "KeyError", "count": 2, "message": "'product'", "traceback": traceback}
    assert "  2 × KeyError at mine.py:98 in <lambda>: 'product'" in lines(runs.run(exceptions=[raised]))


def test_what_an_audit_says_is_shown_as_text() -> None:
    """Halves of surrogates have no bytes, escape codes a meaning; a check of one's own may say little."""
    wild = "\x1b[2J \ud83d"
    finding = {"what": wild, wild: wild, "at": wild}
    checks = [
        {"name": wild, "verdict": "FAIL", "detail": wild, "first": finding, "worst": {"what": wild}},
        {"name": wild, "verdict": "FAIL", "figure": wild, "limit": wild, "unit": wild},
        {"name": wild, "verdict": "FAIL"},
    ]
    text = plain_text(facts(), judged(correct={"verdict": "FAIL", "checks": checks}))
    assert "worst: \ufffd[2J \ufffd\n" in text
    assert "\x1b" not in text
    assert text.encode()


def test_that_cores_are_shared_is_said_last() -> None:
    """As it is while the run goes on."""
    assert lines(runs.run())[-2:] == ["", SHARED] == ["", snapshot.SHARED]
    assert SHARED not in lines(facts())


def test_what_the_locustfile_did_to_the_run_is_listed() -> None:
    ended = Event(name="users_ended", at=runs.START + 3.0, facts={"cause": "StopUser", "users": 8})
    blocked = Event(name="worker_blocked", at=runs.START + 1.0, worker="0-ab", facts={"seconds": 7.0})
    facts = {"after_the_first": 2_000, "such_as": "GET /item/2001"}
    named = Event(name="names_counted_together", at=runs.START + 2.0, facts=facts)
    found = lines(runs.run(events=[blocked, named, ended]))
    assert "21:07:02 names counted together: after the first 2000, such as GET /item/2001" in found
    assert "21:07:01 worker blocked: seconds 7.0, worker 0-ab" in found
    assert "21:07:03 users ended: cause StopUser, users 8" in found
