"""How late greenlets are, in a hub that is held up and one that is not."""

from __future__ import annotations

import time
from collections import Counter

import gevent

from stampede.hub_lag import INTERVAL, HubLag, Lags


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


def test_who_is_held_up_was_late_each_time_it_wanted_to_wake() -> None:
    """A hub that stands still for 300 ms is 15 times late, by less and less: not once."""
    lags = noted(HubLag(), 0.2, hold_up=0.3)
    assert max(lags) >= 280
    assert sum(count for lag, count in lags.items() if lag > 100) >= 9


def test_what_was_taken_is_not_there_again() -> None:
    """A process samples itself for as long as it lives."""
    hub_lag = HubLag()
    assert noted(hub_lag, 0.1)
    assert not hub_lag._seconds
