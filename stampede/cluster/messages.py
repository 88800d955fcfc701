"""Reads the messages of workers, each by itself: one that cannot be read is dropped, and changes nothing.

Each type of message has a type for its content. Stock Locust reads a message while it acts on it, and hears
no worker any more after one that it cannot read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from locust.rpc import Message
from msgspec import Meta, Struct, field

from stampede.cluster import clocks
from stampede.cluster.delivery import KEY
from stampede.cluster.identity import Identity
from stampede.cluster.worker import GAVE_UP, LEAVING, STOP_RUN
from stampede.counting.reports import Count, Moment

logger = logging.getLogger(__name__)

MAX_BYTES = 64 * 1024 * 1024
"""The largest message that a master accepts. A report of a second has some kilobytes."""

MAX_SENDERS = 1000
"""Senders of unreadable messages that are told apart: each is logged once."""

Number = Annotated[float, Meta(ge=-1e18, le=1e18)]
"""A finite number. User code may report a negative time or length."""


class Mark(Struct, frozen=True):
    """What identifies a report, and how many requests its worker has reported in the run so far."""

    run: str | None
    number: Count
    requests: Count


class Heartbeat(Struct, frozen=True):
    """A worker's state, which it sends each second."""

    state: Literal["ready", "spawning", "running", "cleanup", "stopping", "stopped", "missing"]
    current_cpu_usage: Number
    current_memory_usage: Number


class Spawned(Struct, frozen=True):
    """The users that a worker has after it has carried out an order."""

    user_classes_count: dict[str, Count]
    user_count: Count


class Logs(Struct, frozen=True):
    """The lines of a worker's log."""

    worker_id: str
    logs: list[str]


class UserException(Struct, frozen=True):
    """An exception of a user, as Locust reports it."""

    msg: str
    traceback: str


class StatsEntry(Struct, frozen=True):
    """Locust's own statistics of one route. `response_times` are the requests by their time in ms."""

    name: str
    method: str
    last_request_timestamp: Number | None
    start_time: Number
    num_requests: Count
    num_none_requests: Count
    num_failures: Count
    total_response_time: Number
    max_response_time: Number
    min_response_time: Number | None
    total_content_length: Number
    response_times: dict[float, Count]
    num_reqs_per_sec: dict[int, Count]
    num_fail_per_sec: dict[int, Count]


class StatsError(Struct, frozen=True):
    """An error in Locust's own statistics."""

    method: str
    name: str
    error: str
    occurrences: Count


class ClockAnswer(Struct, frozen=True):
    """A worker's answer about its clock: when the master asked, when the worker received that and replied."""

    asked: Moment
    received: Moment
    replied: Moment


class StopRun(Struct, frozen=True):
    """The locustfile on a worker ends the run."""

    cause: str


class RaceReply(Struct, frozen=True):
    """A worker's reply to a call in a race, whose act, class and heat it repeats: stampede/race/rounds.py."""

    act: str
    user_class: str
    heat: str
    asked: Moment
    received: Moment
    replied: Moment
    prize: Any = None
    ready: Count = 0
    shots: list[tuple[Moment, Moment, bool | None]] = field(default_factory=list)


def report_type(parts: Mapping[str, Any]) -> type[Struct]:
    """Return the type of a worker's report: what Locust puts in, and `parts`, types by their keys.

    A locustfile may put in more. A report between two runs has no mark.
    """
    of_locust = {
        "stats": list[StatsEntry],
        "stats_total": StatsEntry,
        "errors": dict[str, StatsError],
        **{"user_count": Count, "user_classes_count": dict[str, Count]},
    }
    fields: list[Any] = [*of_locust.items(), *parts.items(), (KEY, Mark | None, None)]
    return msgspec.defstruct("Report", fields, frozen=True)


TYPES: dict[str, Any] = {
    "client_ready": Identity,
    "client_stopped": None,
    "heartbeat": Heartbeat,
    "spawning": None,
    "spawning_complete": Spawned,
    "logs": Logs,
    "quit": None,
    "exception": UserException,
    clocks.ANSWER: ClockAnswer,
    **{LEAVING: None, GAVE_UP: None, STOP_RUN: StopRun},
}
"""The type of the content of each type of message, but for reports and races."""


class UnreadableError(Exception):
    """A message that cannot be read; the text says why."""


class Reader:
    """Reads the messages that a master receives. `types` has the type of the content by type of message.

    The content of other messages, such as those of a locustfile, may be anything.
    """

    def __init__(self, types: Mapping[str, Any]) -> None:
        self._types = {**TYPES, **types}
        self._senders: set[str] = set()
        self.on_drop: Callable[[str, str], None] = lambda _sender, _reason: None
        """Receives the sender of each message that is dropped, and the reason."""

    def read(self, frames: Sequence[bytes]) -> tuple[str, Message] | None:
        """Return the sender and the message in the frames that ZMQ has received; None where it is dropped."""
        sender = frames[0].decode(errors="replace") if frames else "?"
        try:
            return sender, self._message(sender, frames)
        except UnreadableError as error:
            self.drop(sender, str(error))
            return None

    def _message(self, sender: str, frames: Sequence[bytes]) -> Message:
        if len(frames) != 2:
            raise UnreadableError(f"it has {len(frames)} frames")
        try:
            message = Message.unserialize(frames[1])
        except Exception as error:  # msgpack raises many, and so does Locust's own hook
            raise UnreadableError(f"{type(error).__name__}: {error}") from error
        if not isinstance(message.type, str) or message.node_id != sender:
            raise UnreadableError("its type is no text, or its sender is another one")
        if message.type in self._types:
            try:
                msgspec.convert(message.data, self._types[message.type])
            except msgspec.ValidationError as error:
                raise UnreadableError(f"{message.type}: {error}") from error
        return message

    def drop(self, sender: str, reason: str) -> None:
        """Note that a message was dropped. The first one of each sender is logged."""
        if sender not in self._senders and len(self._senders) < MAX_SENDERS:
            self._senders.add(sender)
            logger.warning("stampede: a message of %.300r was dropped: %.300s", sender, reason)
        self.on_drop(sender, reason)
