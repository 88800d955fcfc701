"""What of a run belongs to which fault."""

from __future__ import annotations

import pytest

from stampede.facts.figures import Second
from tests.chaos.plan import Fault
from tests.chaos.windows import Dip, Injection, dip, errors, first_good_order, owner
from tests.facts import make

KILL = Injection(Fault(1, 10, "kill", "api", 2), ordered=110, in_effect=110.5, over=113)  # until 118
CUT = Injection(Fault(2, 14, "cut", "worker", 3), ordered=114, in_effect=114.2, over=117)  # until 127
BOTH = (KILL, CUT)


def second(number: int, users: int = 20, failures: int = 0) -> Second:
    return make(Second, second=number, users=users, workers=2, requests=50, failures=failures)


@pytest.mark.parametrize(
    ("instant", "number"),
    [(109.9, None), (110, 1), (113.9, 1), (114, 2), (117.9, 2), (126.9, 2), (127, None)],
)
def test_an_instant_belongs_to_the_fault_that_began_last(instant: float, number: int | None) -> None:
    """In its window, which ends when all has to be as before."""
    found = owner(instant, BOTH)
    assert (found and found.fault.number) == number


def test_a_second_belongs_to_a_fault_that_it_has_a_part_of() -> None:
    """Its failures may have come after the fault began."""
    assert errors([second(109, failures=1), second(110, failures=2), second(127, failures=4)], BOTH) == {
        None: 5,
        1: 2,
        2: 0,
    }
    half_way = Injection(KILL.fault, ordered=110.7, in_effect=111, over=113)
    assert errors([second(110, failures=3)], [half_way]) == {None: 0, 1: 3}


@pytest.mark.parametrize(
    ("orders", "seconds"),
    [
        ([(109.0, 112.0)], None),  # sent before
        ([(110.5, 113.5)], 3.0),
        ([(110.6, 114.0), (111.0, 112.5), (109.0, 111.0)], 2.0),  # the first that is answered
        ([], None),
    ],
)
def test_the_first_good_order_was_sent_since(
    orders: list[tuple[float, float]], seconds: float | None
) -> None:
    """An answer to what had been sent before says nothing of what is broken now."""
    assert first_good_order(orders, 110.5) == seconds


@pytest.mark.parametrize(
    ("users", "expected"),
    [
        ({}, Dip(0, 0, True)),
        ({112: 15, 113: 10, 114: 15}, Dip(10, 3, True)),
        ({109: 3, 118: 3}, Dip(0, 0, True)),  # outside
        ({116: 15, 117: 15}, Dip(5, 2, False)),
        ({113: 25}, Dip(0, 0, True)),  # too many are no dip
    ],
)
def test_users_lost_are_those_missing_in_the_window(users: dict[int, int], expected: Dip) -> None:
    """The most of them, for how long, and whether they came back."""
    series = [second(number, users.get(number, 20)) for number in range(100, 130)]
    assert dip(series, KILL, 20) == expected


def test_without_a_series_nothing_is_known() -> None:
    assert dip([], KILL, 20) is None


def test_an_order_meets_a_change_while_it_is_carried_out() -> None:
    """A kill has an effect when it is done, a scale from when it is ordered."""
    scale = Injection(Fault(3, 10, "scale", "worker", workers=3), ordered=110, in_effect=115, over=115)
    assert (KILL.begun, scale.begun) == (110.5, 110)
