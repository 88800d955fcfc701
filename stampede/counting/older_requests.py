"""The requests of older seconds: exact sums for each use, and sums with rounded times for each part. Pure.

The figures of the window, and of each stage, are made from the exact sums. Charts over time and blocks of the
window are made from the parts, whose times are rounded to two percent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from itertools import chain
from typing import TypeVar

from msgspec import Struct, msgpack

from stampede.counting.buckets import COARSE, FINE
from stampede.counting.names import Route
from stampede.counting.slots import Row
from stampede.counting.steps import Part, Use
from stampede.counting.times import Sum, Times

Key = TypeVar("Key", bound=Hashable)

PackedSum = bytes
"""A sum with rounded times, about 300 bytes: there may be one for each route and part."""

ALL = ("", "")
"""The key of the sum of all routes of a part."""


class OlderRequests:
    """The requests of the older seconds of one run."""

    def __init__(self) -> None:
        self._exact: dict[Use, defaultdict[Route, Sum]] = {}
        self._parts: dict[int, dict[Route, PackedSum]] = {}
        """The sums of each route by the first second of their part, with ALL."""
        self._uses: dict[int, Use] = {}

    def merge(self, part: Part, rows: Iterable[tuple[Route, Row]]) -> None:
        """Add the rows of the seconds of a new part."""
        sums: defaultdict[Route, Sum] = defaultdict(Sum)
        for route, row in rows:
            sums[route].add_row(row)
        exact = self._exact.setdefault(part.use, defaultdict(Sum))
        for route, requests in sums.items():
            exact[route].add(requests)
        sums[ALL] = Sum.of(sums.values())
        self._parts[part.first] = {route: _packed(requests) for route, requests in sums.items()}
        self._uses[part.first] = part.use

    def add(self, part: Part, route: Route, row: Row) -> None:
        """Add a row that came late, of a second that has been merged already."""
        requests = Sum()
        requests.add_row(row)
        self._exact[part.use][route].add(requests)
        self._add_packed(part.first, {route: _packed(requests), ALL: _packed(requests)})

    def join(self, part: Part, other: Part) -> None:
        """Add the sums of another part to a part."""
        self._add_packed(part.first, self._parts.pop(other.first))
        del self._uses[other.first]

    def _add_packed(self, first: int, sums: Mapping[Route, PackedSum]) -> None:
        own = self._parts[first]
        for route, packed in sums.items():
            own[route] = _joined(own[route], packed) if route in own else packed

    def _selected(self, seconds: Iterable[int]) -> list[int]:
        """Return the first seconds of parts that are among these seconds."""
        return [second for second in seconds if second in self._parts] if self._parts else []

    def _by_use(self, firsts: Iterable[int]) -> Mapping[Use, list[int]]:
        by_use: defaultdict[Use, list[int]] = defaultdict(list)
        for first in firsts:
            by_use[self._uses[first]].append(first)
        return by_use

    def _are_all(self, use: Use, firsts: Collection[int]) -> bool:
        return len(firsts) == sum(each == use for each in self._uses.values())

    def total(self, seconds: Iterable[int]) -> Sum:
        """Return the sum of all routes in the parts whose first seconds are among these.

        It is exact where these are all parts with the same use.
        """
        total = Sum()
        for use, firsts in self._by_use(self._selected(seconds)).items():
            sums = self._exact[use].values() if self._are_all(use, firsts) else self._rounded(firsts)
            total.add(Sum.of(sums))
        return total

    def _rounded(self, firsts: Iterable[int]) -> Iterator[Sum]:
        return (_fine(_decode(self._parts[first][ALL])) for first in firsts)

    def grouped(
        self, seconds: Iterable[int], group: Callable[[Route], Key | None]
    ) -> Iterator[tuple[Key, Sum]]:
        """Yield sums of each group of routes in the same parts; a group may have several."""
        for use, firsts in self._by_use(self._selected(seconds)).items():
            if self._are_all(use, firsts):
                for route, requests in self._exact[use].items():
                    if (key := group(route)) is not None:
                        yield key, requests
            else:
                yield from self._grouped(firsts, group)

    def _grouped(
        self, firsts: Iterable[int], group: Callable[[Route], Key | None]
    ) -> Iterator[tuple[Key, Sum]]:
        sums: dict[Key, _Sum] = {}
        for route, packed in chain.from_iterable(self._parts[first].items() for first in firsts):
            if route == ALL or (key := group(route)) is None:
                continue
            if key in sums:
                sums[key].add(_decode(packed))
            else:
                sums[key] = _decode(packed)
        return ((key, _fine(requests)) for key, requests in sums.items())


Numbers = dict[int, int]
"""The number of times in each coarse bucket."""


class _Sum(Struct, array_like=True):
    requests: int
    failures: int
    unanswered: int
    times: Numbers
    from_start: Numbers
    failed: Numbers

    def add(self, other: _Sum) -> None:
        self.requests += other.requests
        self.failures += other.failures
        self.unanswered += other.unanswered
        for own, others in (
            (self.times, other.times),
            (self.from_start, other.from_start),
            (self.failed, other.failed),
        ):
            for bucket, number in others.items():
                own[bucket] = own.get(bucket, 0) + number


_encode, _decode = msgpack.Encoder().encode, msgpack.Decoder(_Sum).decode


def _packed(requests: Sum) -> PackedSum:
    times = map(_coarse, (requests.times, requests.from_start, requests.failed))
    return _encode(_Sum(requests.requests, requests.failures, requests.unanswered, *times))


def _coarse(times: Times) -> Numbers:
    coarse: Numbers = {}
    for bucket, number in times.numbers().items():
        coarse[COARSE[bucket]] = coarse.get(COARSE[bucket], 0) + number
    return coarse


def _joined(one: PackedSum, other: PackedSum) -> PackedSum:
    joined = _decode(one)
    joined.add(_decode(other))
    return _encode(joined)


def _fine(coarse: _Sum) -> Sum:
    requests = Sum()
    requests.requests, requests.failures = coarse.requests, coarse.failures
    requests.unanswered = coarse.unanswered
    for own, numbers in (
        (requests.times, coarse.times),
        (requests.from_start, coarse.from_start),
        (requests.failed, coarse.failed),
    ):
        if numbers:
            own.add_numbers({FINE[bucket]: number for bucket, number in numbers.items()})
    return requests
