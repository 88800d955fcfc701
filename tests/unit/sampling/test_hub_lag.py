"""How late greenlets are, in a hub that is held up and one that is not."""

from __future__ import annotations

import time
from collections import Counter

import gevent
import pytest

from stampede.sampling.hub_lag import IDLE_INTERVAL, INTERVAL, HubLag, Lags


def noted(hub_lag: HubLag, seconds: float, hold_up: float = 0.0) -> Lags:
    """What it notes in so many seconds, while somebody keeps the hub for so long at once."""

    def watch() -> None:
        for _ in hub_lag.watch():
            pass

    began = time.time()
    watching = gevent.spawn(watch)
    gevent.sleep(seconds / 2)
    time.sleep(hold_up)
    gevent.sleep(seconds / 2)
    watching.kill()
    lags: Lags = Counter()
    for second in range(int(began), int(time.time()) + 1):
        lags += hub_lag.take(second)
    return lags


def test_every_time_it_wants_to_wake_is_noted_once() -> None:
    """Whatever else this machine does."""
    began = time.monotonic()
    lags = noted(HubLag(), 0.5)
    assert 0.5 / INTERVAL - 1 <= lags.total() <= (time.monotonic() - began) / INTERVAL + 2


def test_a_process_that_is_in_no_run_wakes_less_often() -> None:
    """Then no lag is measured, and each wake costs CPU."""
    began, runs = time.monotonic(), [False]
    hub_lag = HubLag(is_in_run=lambda: runs[0])
    idle = noted(hub_lag, 0.5).total()
    assert idle <= (time.monotonic() - began) / IDLE_INTERVAL + 2
    runs[0] = True
    assert noted(hub_lag, 0.5).total() >= 0.5 / INTERVAL - 1


def test_who_is_held_up_was_late_each_time_it_wanted_to_wake() -> None:
    """A hub that stands still for 300 ms is 15 times late, by less and less: not once."""
    lags = noted(HubLag(), 0.2, hold_up=0.3)
    assert max(lags) >= 280
    assert sum(count for lag, count in lags.items() if lag > 100) >= 9


@pytest.mark.parametrize("for_a_core", [0.0, 0.2, 1.0])
def test_what_it_waited_for_a_core_is_no_lag_of_its_own(for_a_core: float) -> None:
    """What is left of a hold-up is."""
    waited = [5.0]
    hub_lag = HubLag(waited=lambda: waited[0])
    watching = hub_lag.watch()
    second = next(watching)
    for each in (second - 1, second):  # it was due in the one before, if that had just ended
        assert hub_lag.take(each) == hub_lag.take_own(each)
    waited[0] += for_a_core
    time.sleep(0.3)
    seconds = range(second, next(watching) + 1)
    lag, own = (
        max(lag for each in seconds for lag in take(each)) for take in (hub_lag.take, hub_lag.take_own)
    )
    assert own == pytest.approx(max(0.0, lag - 1000 * for_a_core), abs=0.2)


def test_where_the_kernel_does_not_tell_nothing_is_known_to_be_its_own() -> None:
    """Rather than all of it."""
    hub_lag = HubLag(waited=lambda: None)
    second = next(hub_lag.watch())
    seconds = (second - 1, second)  # it was due in the one before, if that had just ended
    assert not any(hub_lag.take_own(each) for each in seconds)
    assert any(hub_lag.take(each) for each in seconds)


def test_what_was_taken_is_not_there_again() -> None:
    """A process samples itself for as long as it lives."""
    hub_lag = HubLag()
    assert noted(hub_lag, 0.1)
    assert not hub_lag._seconds
