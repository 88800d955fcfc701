"""What a race was like, from its shots; and clocks that differ."""

import math
import subprocess
import sys
from pathlib import Path

import pytest

import stampede
from stampede.clocks import Clock
from stampede.rounds import Shot, overlap, spread_ms

ROOT = Path(__file__).parents[2]


def won(sent: float, answered: float) -> Shot:
    return Shot(sent, answered, True)


def lost(sent: float, answered: float) -> Shot:
    return Shot(sent, answered, False)


def unknown(sent: float) -> Shot:
    return Shot(sent, math.inf, None)


@pytest.mark.parametrize(
    ("shots", "expected"),
    [
        ([won(5.0, 5.1)], 0),  # alone
        ([won(5.0, 9.0), lost(5.0, 5.1)], 0),  # when it was answered does not matter
        ([lost(5.25, 6), won(5.0, 6), lost(5.125, 6)], 250),  # in any order
        ([won(5.0, 6), unknown(5.5)], 500),  # a shot without an answer is one
    ],
)
def test_spread_is_from_the_first_to_the_last_shot(shots: list[Shot], expected: float) -> None:
    assert spread_ms(shots) == expected


@pytest.mark.parametrize(
    ("shots", "expected"),
    [
        ([], None),
        ([won(1, 2), won(1, 2)], None),  # nobody lost
        ([lost(1, 2), lost(1, 2)], 0),  # nobody won
        ([lost(1, 2), unknown(1)], 0),  # who has no answer is neither
        ([won(1, 3), lost(2, 4)], 1),  # began before the winner was done
        ([won(2, 4), lost(1, 3)], 1),  # was under way when the winner began
        ([won(1, 4), lost(2, 3)], 1),  # within the winner's time
        ([won(2, 3), lost(1, 4)], 1),  # around it
        ([won(1, 2), lost(2, 3)], 1),  # at the very instant
        ([won(2, 3), lost(1, 2)], 1),
        ([won(1, 2), lost(3, 4)], 0),  # after it
        ([won(3, 4), lost(1, 2)], 0),  # before it
        ([won(1, 2), won(5, 6), lost(3, 4)], 0),  # between two
        ([won(1, 2), won(5, 6), lost(3, 5.5)], 1),  # with one of two
        ([won(1, 2), lost(1, 2), lost(1.5, 3), lost(1, 9), lost(8, 9)], 0.75),
    ],
)
def test_overlap_is_the_share_of_losers_who_met_a_winner(shots: list[Shot], expected: float | None) -> None:
    assert overlap(shots) == expected


@pytest.mark.parametrize(
    ("exchanges", "expected"),
    [
        ([], 0),
        ([(10.0, 17.0, 17.0, 10.0)], 7),  # no time under way
        ([(10.0, 17.5, 17.5, 11.0)], 7),  # half a second there, half a second back
        ([(10.0, 17.5, 27.5, 21.0)], 7),  # ten seconds of work between question and answer
        ([(10.0, 7.5, 7.5, 11.0)], -3),  # a worker whose clock is behind
        ([(10.0, 18.0, 18.0, 11.0), (20.0, 27.125, 27.125, 20.25)], 7),  # the quicker exchange counts
        ([(20.0, 27.125, 27.125, 20.25), (10.0, 18.0, 18.0, 11.0)], 7),  # first or last
    ],
)
def test_clock_is_set_by_the_quickest_exchange(
    exchanges: list[tuple[float, float, float, float]], expected: float
) -> None:
    clock = Clock()
    for exchange in exchanges:
        clock.learn(*exchange)
    assert clock.offset == expected


def test_clock_that_drifts_is_followed() -> None:
    """However quick an exchange was, later ones take its place in the end."""
    clock = Clock()
    clock.learn(10.0, 17.0, 17.0, 10.0)
    for _ in range(8):
        clock.learn(10.0, 18.5, 18.5, 11.0)
    assert clock.offset == 8


def test_stampede_imports_locust_only_for_who_races() -> None:
    """The audit's process has no use for Locust, nor for gevent's patches."""
    code = "import stampede, sys; assert not {'locust', 'gevent'} & set(sys.modules)"
    code += "; from stampede import RacingUser; assert RacingUser.abstract"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_stampede_has_nothing_else() -> None:
    with pytest.raises(AttributeError, match="no attribute 'RacingUsers'"):
        stampede.RacingUsers  # noqa: B018 # asking is the test
