"""A task ends when its time is over, whatever it does."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import gevent
import pytest

from stampede.trial import limit
from stampede.trial.limit import NotFinishedError, limited


class GivenUpError(BaseException):
    """Ends what cannot be ended otherwise, as the end of the process would."""


def _give_up() -> None:
    raise GivenUpError


def _wait() -> None:
    gevent.sleep(60)


def _compute() -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        pass


def _catch_everything() -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(NotFinishedError):  # what a bare `except:` does
            _compute()


@pytest.fixture(autouse=True)
def _little_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "GRACE", 0.1)


@pytest.mark.parametrize("block", [_wait, _compute])
def test_a_block_that_waits_or_computes_is_ended(block: Callable[[], None]) -> None:
    with pytest.raises(NotFinishedError), limited(0.1, _give_up):
        block()


def test_a_block_that_cannot_be_ended_is_given_up() -> None:
    with pytest.raises(GivenUpError), limited(0.1, _give_up):
        _catch_everything()


def test_a_block_that_returns_is_left_alone() -> None:
    with limited(0.1, _give_up):
        pass
    gevent.sleep(0.3)  # longer than limit and grace: nothing is raised here
