"""The names under which requests are counted: a limited number, so that counts and reports stay small.

A locustfile can give each request another name, such as `/item/17`. The first MOST_NAMES names of a run are
counted under their own names, requests with any other name as OTHER. The master decides, for all workers. So
a name means the same in the reports of all workers, and its counts are complete.

A worker counts from one report to the next only. Its limit is for a custom client that reports requests
without sending any.
"""

from __future__ import annotations

Route = tuple[str, str]
"""Method and name."""

MOST_NAMES = 2_000
"""Different methods and names in a run."""

MOST_NAMES_IN_A_REPORT = 10_000
"""Different methods and names in a report of a worker: more than it can send requests in a second."""

MOST_METHODS = 50
"""Different methods in a run."""

MOST_EXAMPLES = 3

LONGEST_EXAMPLE = 100
"""Characters of an example."""

EVENT = "names_counted_together"
"""The event of a run in which requests were counted as OTHER."""

OTHER = "other"
"""The name of all other requests. Where their method is beyond MOST_METHODS, it is their method too."""


class Names:
    """The names of a run on the master, or of a report on a worker."""

    def __init__(self) -> None:
        self.most = MOST_NAMES
        self.clear()

    def clear(self) -> None:
        """Forget all names."""
        self._own: set[Route] = set()
        self._methods: set[str] = set()
        self.examples: list[str] = []
        """Some of the names that are counted as OTHER; none where every name is counted under its own."""

    def of(self, method: str, name: str) -> Route:
        """Return the method and the name under which a request is counted.

        A name that was once counted under its own name stays so.
        """
        route = method, name
        return route if route in self._own else self._new(route)

    def _new(self, route: Route) -> Route:
        if not self._is_room_for(*route):
            self._note(" ".join(route))
            method = route[0] if self._is_room_for_method(route[0]) else OTHER
            route = method, OTHER
        self._methods.add(route[0])
        self._own.add(route)
        return route

    def _is_room_for(self, method: str, name: str) -> bool:
        return self._is_room_for_method(method) and (name == OTHER or len(self._own) < self.most)

    def _is_room_for_method(self, method: str) -> bool:
        return method in self._methods or len(self._methods) < MOST_METHODS

    def _note(self, example: str) -> None:
        example = example[:LONGEST_EXAMPLE]
        if len(self.examples) < MOST_EXAMPLES and example not in self.examples:
            self.examples.append(example)
