"""Users of Locust's classes and of ours, each for one test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from locust.env import Environment
from locust.event import Events


@contextmanager
def visiting(kind: type[Any], **attributes: Any) -> Iterator[Any]:
    """A user of a kind, whose connections are closed afterwards."""
    visitor = type("Visitor", (kind,), {"network_timeout": 5.0, **attributes})
    made = visitor(Environment(events=Events()))
    try:
        with gevent.Timeout(60):
            yield made
    finally:
        getattr(made.client, "client", made.client).close()
