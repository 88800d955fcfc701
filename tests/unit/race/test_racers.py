"""What a race was like, from its shots; and clocks that differ."""

import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

import stampede
from stampede.race.rounds import MOST_ROUNDS, Coordinator, Shot, overlap, spread_ms

ROOT = Path(__file__).parents[3]


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


def test_stampede_imports_locust_only_for_who_races() -> None:
    """The audit's process has no use for Locust, nor for gevent's patches."""
    code = "import stampede, sys; assert not {'locust', 'gevent'} & set(sys.modules)"
    code += "; from stampede import RacingUser; assert RacingUser.abstract"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_stampede_has_nothing_else() -> None:
    with pytest.raises(AttributeError, match="no attribute 'RacingUsers'"):
        stampede.RacingUsers  # noqa: B018 # asking is the test


def test_rounds_have_a_limit() -> None:
    """Of a long run every second round is kept, then every fourth: they stay spread over the run."""
    environment = SimpleNamespace(runner=None, stampede_races=[])
    coordinators = [Coordinator(environment, name, {}) for name in ("Racer", "Other")]
    rounds = 10 * MOST_ROUNDS
    for number in range(1, rounds + 1):
        for coordinator in coordinators[: 2 if number <= 10 else 1]:
            figures = {"racers": 2, "winners": 1, "losers": 1, "spread_ms": 1.0, "overlap": None}
            coordinator._record({"round": number, **figures})
    kept = [each["round"] for each in environment.stampede_races if each["user_class"] == "Racer"]
    assert MOST_ROUNDS / 2 <= len(kept) <= MOST_ROUNDS
    assert {later - earlier for earlier, later in pairwise(kept)} == {16}
    assert kept[-1] > rounds - 16
    assert len(environment.stampede_races) - len(kept) == 10, "each class has a limit of its own"
