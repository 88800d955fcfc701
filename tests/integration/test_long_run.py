"""A long run needs no more memory than a short one, and is judged in the same way."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import gevent
import pytest

from stampede.counting import steps
from stampede.counting.steps import CHUNK
from stampede.facts.event import Event
from stampede.facts.run_json import Facts
from stampede.facts.verdict_json import Judgement
from stampede.report import files
from stampede.sampling.sampler import Sampler
from tests.replayed import START, Replay

SECONDS = 1_000
RECENT = 100
MOST_STEPS = 24
TARGETS = (
    "p95 < 100ms; errors < 1%; every route p95 < 150ms for 10s; p99 of GET from start < 90ms; rps > 25;"
    "rps > 20 for 10s; stable; cpu of workers < 90%; cpu of api < 90% for 30s; memory of postgres < 1GB;"
    "connections of postgres < 15%; every route 5xx < 1%; memory of api < 150MB; p50 < 30ms for 2m"
)


class Result(NamedTuple):
    """A run that has been replayed."""

    folder: Path
    facts: Facts
    judgement: Judgement
    sent: int


def replayed(folder: Path, *, recent: int, has_dips: bool = False, ends_in_a_merge: bool = False) -> Result:
    """A run whose seconds are merged when they are older than `recent`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "RECENT", recent)
        patch.setattr(steps, "MOST_STEPS", MOST_STEPS)
        patch.setattr(Sampler, "start", lambda _sampler: None)  # rows are made up
        clock = [float(START)]
        patch.setattr(time, "time", lambda: clock[0])
        replay = Replay(folder, lambda now: clock.__setitem__(0, now), TARGETS, names=30, rate=30, workers=3)
        replay.has_dips = has_dips
        replay.begin()
        for number in range(SECONDS):
            replay.second(number)
            if number % CHUNK == 0:
                replay.merging.merge(START + number)
        if ends_in_a_merge:
            end_in_a_merge(replay)
        finished = replay.finish()
        replay.close()
        return Result(*finished, replay.sent)


def end_in_a_merge(replay: Replay) -> None:
    """Stop the merging, as the end of a run does, when it lets reports be read: after a second of a chunk."""
    merged_until = replay.counts.steps.end
    merging = gevent.spawn(replay.merging.merge, START + SECONDS)
    gevent.sleep(0)
    merging.kill()
    assert replay.counts.steps.end == merged_until <= START + SECONDS - RECENT - CHUNK


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """No second is merged."""
    return replayed(tmp_path_factory.mktemp("whole"), recent=10 * SECONDS)


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The same run; all seconds but the newest are merged."""
    return replayed(tmp_path_factory.mktemp("merged"), recent=RECENT)


def test_older_seconds_are_merged(whole: Result, merged: Result) -> None:
    """In each series, and with the moments in which users moved apart."""
    assert whole.facts.merged_until == 0
    assert {row.seconds for row in whole.facts.seconds} == {1}
    older = [row for row in merged.facts.seconds if row.second < merged.facts.merged_until]
    assert RECENT <= START + SECONDS - merged.facts.merged_until <= RECENT + 2 * CHUNK
    assert len(older) <= 2 * MOST_STEPS
    samples = merged.facts.samples
    series: list[Any] = [samples.api, samples.postgres, samples.master, *samples.workers.values()]
    for rows in series:
        assert len(rows) <= len(older) + RECENT + 2 * CHUNK
        assert sum(row.seconds for row in rows) == SECONDS


def test_totals_are_exact(whole: Result, merged: Result) -> None:
    facts = merged.facts
    assert facts.requests == merged.sent == whole.sent == sum(row.requests for row in facts.seconds)
    assert facts.outcomes == whole.facts.outcomes
    assert sum(row.seconds for row in facts.seconds) == len(whole.facts.seconds)
    assert facts.routes_over_time
    assert sum(sum(route.requests) for route in facts.routes_over_time.routes) == merged.sent


def test_the_figures_are_the_same(whole: Result, merged: Result) -> None:
    """Of the window, of its routes and of its stage, to the last digit."""
    one, two = whole.facts, merged.facts
    assert one.window
    assert two.window
    assert two.window.moving_seconds == one.window.moving_seconds > 10
    for name in ("seconds", "rps", "total", "by_method", "routes"):
        assert getattr(two.window, name) == getattr(one.window, name)
    assert (two.pace, two.hub_lag, two.ramp_lag) == (one.pace, one.hub_lag, one.ramp_lag)
    assert [round_same_work(stage) for stage in two.stages] == [
        round_same_work(stage) for stage in one.stages
    ]


def round_same_work(stage: Any) -> Any:
    return {name: getattr(stage, name) for name in stage.__struct_fields__ if name != "same_work_ms"}


def test_blocks_have_all_requests_and_nearly_the_same_times(whole: Result, merged: Result) -> None:
    assert whole.facts.window
    assert merged.facts.window
    one, two = whole.facts.window.blocks, merged.facts.window.blocks
    assert len(two) == len(one) == 10
    assert sum(block.total.requests for block in two) == merged.facts.window.total.requests
    for block, other in zip(one, two, strict=True):
        assert other.rps == pytest.approx(block.rps, rel=0.03)
        assert other.total.p95_ms == pytest.approx(block.total.p95_ms, rel=0.05)


@pytest.mark.parametrize("part", ["fast", "valid"])
def test_the_verdict_is_the_same(whole: Result, merged: Result, part: str) -> None:
    """Of each check, with its figure. Those of roles are rounded; `stable` compares whole steps."""
    one, two = (getattr(result.judgement, part).checks for result in (whole, merged))
    assert [(check.name, check.verdict) for check in two] == [(check.name, check.verdict) for check in one]
    for check, other in zip(one, two, strict=True):
        if check.name == "stable":
            assert other.actual == pytest.approx(check.actual, abs=5)
        elif check.actual is not None:
            assert other.actual == pytest.approx(
                check.actual, rel=0.001 if part == "valid" or "cpu" in check.name else 0
            )
    assert {"PASS", "FAIL"} <= {check.verdict for check in whole.judgement.fast.checks}


def test_the_files_alone_give_the_same_verdict(merged: Result) -> None:
    """Of run.json, as a report that is made again reads it."""
    facts, judgement = files.judge(merged.folder)
    assert judgement == merged.judgement
    assert facts == merged.facts


def test_a_run_that_ends_in_a_merge_has_the_same_verdict(whole: Result, tmp_path: Path) -> None:
    result = replayed(tmp_path, recent=RECENT, ends_in_a_merge=True)
    for one, two in zip(verdicts(whole), verdicts(result), strict=True):
        assert two == one
    spans = [
        [check.actual for check in each.judgement.fast.checks if " over any " in check.name]
        for each in (whole, result)
    ]
    assert spans[0] == spans[1]
    assert len(spans[0]) == 4
    assert [event.at for event in silences(result)] == [event.at for event in silences(whole)]


def verdicts(result: Result) -> list[tuple[str, str]]:
    return [(check.name, check.verdict) for part in result.judgement.parts.values() for check in part.checks]


def silences(result: Result) -> list[Event]:
    return [event for event in result.facts.events if event.name == "target_silent"]


def test_silences_are_found(whole: Result, merged: Result) -> None:
    found = [[(event.at, event.facts) for event in silences(result)] for result in (whole, merged)]
    assert found[0] == found[1]
    assert len(found[0]) == 1


@pytest.fixture(scope="module")
def with_dips(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    """A user is missing for a second, now and then."""
    return [
        replayed(tmp_path_factory.mktemp(f"dips{recent}"), recent=recent, has_dips=True)
        for recent in (10 * SECONDS, RECENT)
    ]


def test_users_that_were_missing_long_ago_are_found(with_dips: list[Result]) -> None:
    for result in with_dips:
        (check,) = (check for check in result.judgement.valid.checks if check.name == "users_kept")
        assert check.verdict == "UNKNOWN"
        assert "49 of 50 users at" in check.detail
        assert "for 1 s: no event explains it" in check.detail
