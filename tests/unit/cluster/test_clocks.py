"""How far a worker's clock is ahead, from the times that messages carry; in exact numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from stampede.cluster.clocks import Clock, Clocks, answer_clock_requests


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
        clock.add_exchange(*exchange)
    assert clock.offset == expected


def test_clock_that_drifts_is_followed() -> None:
    """However quick an exchange was, later ones take its place in the end."""
    clock = Clock()
    clock.add_exchange(10.0, 17.0, 17.0, 10.0)
    for _ in range(8):
        clock.add_exchange(10.0, 18.5, 18.5, 11.0)
    assert clock.offset == 8


def test_the_quickest_exchange_says_how_wrong_it_can_be() -> None:
    """By half of the time under way: all of it may have been on one leg."""
    clock = Clock()
    clock.add_exchange(10.0, 18.0, 18.0, 11.0)
    clock.add_exchange(20.0, 27.125, 27.125, 20.25)
    assert clock.uncertainty == 0.125


@dataclass
class Post:
    """Carries messages between a master and a worker at once, and is the runner of both."""

    offset: float = 0.0
    listeners: dict[str, Callable[..., None]] = field(default_factory=dict)

    def register_message(self, kind: str, listener: Callable[..., None]) -> None:
        self.listeners[kind] = listener

    def send_message(self, kind: str, data: dict[str, Any], client_id: str = "worker") -> None:
        self.listeners[kind](Message(client_id, data))


@dataclass
class Message:
    node_id: str
    data: dict[str, Any]


def test_workers_answer_with_their_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose clock is two seconds ahead is found to be; by its label."""
    post = Post()
    clocks = Clocks(post)
    answer_clock_requests(post)
    there = post.listeners["stampede_clock"]

    def ahead(message: Message) -> None:
        ours = time.time
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: ours() + 2)
            kept: list[Any] = []
            patch.setattr(post, "send_message", lambda *said: kept.append(said))
            there(message)
        post.send_message(*kept[0])

    post.listeners["stampede_clock"] = ahead
    clocks.ask(["worker"])
    ((worker, (offset, uncertainty)),) = clocks.worst_offsets().items()
    assert worker == "worker"
    assert abs(offset - 2) <= uncertainty + 0.00002
    clocks.begin()
    assert clocks.worst_offsets() == {}
