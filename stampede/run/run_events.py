"""The events of one run: a limited number of each name, as a shop that sells out has many in a long run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Self

from msgspec.structs import replace

from stampede.facts import run_json
from stampede.facts.event import Event

MOST = 1_000
"""Events of one name."""

MOST_OF_OWN = 5_000
"""Events of one of OWN names."""

MOST_NAMES = 100
"""Different names of events. Names of the audit and of the users can be any."""

OWN = ("worker_", "api_", "target_")
"""Beginnings of the names of Stampede's own events: the verdict rests on them."""

LONGEST_FACTS = 2_000
"""Bytes of the details of one event, as JSON."""

OTHERS = "events with other names"


class RunEvents(list[Event]):
    """The events of one run, in the order in which they became known."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: Counter[str] = Counter()
        self.left_out: dict[str, int] = {}
        """How many events are left out, by name."""

    def append(self, event: Event) -> None:
        """Add an event, or count it as left out where there are very many of its name."""
        name = event.name[:MOST]
        if name not in self._counts and len(self._counts) >= MOST_NAMES:
            name = OTHERS
        most = 0 if name == OTHERS else MOST_OF_OWN if name.startswith(OWN) else MOST
        if self._counts[name] >= most:
            self.left_out[name] = self.left_out.get(name, 0) + 1
            return
        self._counts[name] += 1
        super().append(_cut(event))

    def extend(self, events: Iterable[Event]) -> None:
        """Add several events."""
        for event in events:
            self.append(event)

    def __iadd__(self, events: Iterable[Event]) -> Self:  # type: ignore[misc, override]
        """Add several events."""
        self.extend(events)
        return self


def _cut(event: Event) -> Event:
    """Return an event without its details where they are very long."""
    if not event.facts or len(text := run_json.encoded(event)) <= LONGEST_FACTS:
        return event
    return replace(event, facts={"cut": text[:LONGEST_FACTS].decode("utf-8", "ignore")})
