"""Whom a run's counters are asked of."""

from __future__ import annotations

import pytest

from stampede.facts.event import Event
from stampede.sampling.counters import Counters


@pytest.mark.parametrize("host", [None, "", "nonsense", "http://shop:eighty", "http://a..b"])
def test_without_a_host_nobody_is_asked(host: str | None) -> None:
    """The run goes on all the same."""
    events: list[Event] = []
    counters = Counters(host, events)
    counters.start()
    assert counters.stop() is None
    assert events == []
