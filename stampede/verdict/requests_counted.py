"""Were all requests counted? What the users counted against what the API did. Pure.

Each request that a user got an answer to must be in the API's count, under its method, route and status. One
without an answer may be there. Beyond that only events explain a difference: of a lost worker, the API knows
requests that were never reported; of an API that ended, nobody has seen what it answered last.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from stampede.facts.event import Event
from stampede.facts.run import Facts
from stampede.facts.verdict import Check, Verdict
from stampede.verdict.checks import not_asked, trusted
from stampede.verdict.losses import losses

NAME = "all_requests_counted"

NO_COUNTERS = (
    "the target has no http_requests_total{method,route,status} at /metrics: with it, it would be asked"
)
NO_ANSWER = "0"
METRICS = "/metrics"
OTHER = "other"
"""The API's label for routes, and methods, that it does not have."""
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
ENDS = {"api_restarted": "restarted", "api_gone": "was gone"}
"""Events that end a process of the API: what it answered since their `last_look` nobody has seen."""

Answers = tuple[str, str]
"""`POST /orders/` and a status."""
Counts = Mapping[str, Mapping[str, int]]
"""By method and route, `POST /orders/`: how often each status was answered."""


def all_requests_counted(run: Facts) -> Check:
    """Return the check, from the run's `counters`, `outcomes`, `events`, `seconds` and `lost_workers`."""
    counters = run.counters
    if counters is None:
        return not_asked(NAME, NO_COUNTERS)
    if counters.error is not None:
        return not_asked(NAME, counters.error)
    if counters.missed is not None:
        return trusted(NAME, False, counters.missed)
    if strange := sorted(filter(_is_no_path, run.outcomes)):
        detail = f"'{strange[0]}' is no route of an API: name your requests after the API's routes"
        return not_asked(NAME, f"not checked: {detail}")
    both = Both(by_route(run.outcomes, counters.api), counters.api)
    lost = [*losses(run).values()]
    ended = [event for event in run.events if event.name in ENDS]
    for gap, most in (
        (both.more, sum(event.at_most or 0 for event in lost)),
        (both.fewer, _answered_unseen(run, ended, both.unanswered)),
    ):
        if gap.total() > most:
            return _unexplained(both, gap, gap.total() - most)
    gaps = [
        f"{_were(both.served)} served of {both.unanswered:,} without an answer" if both.served else "",
        f"{_were(both.more.total())} {_whose(lost)}" if both.more else "",
        f"{_were(both.fewer.total())} answered before {_before_what(ended)}" if both.fewer else "",
    ]
    explained = "; ".join(filter(None, gaps))
    counted = f"{both.matched:,} of {both.all:,}"
    return trusted(NAME, True, f"{counted}: {explained}" if explained else counted, count=0)


def by_route(outcomes: Mapping[str, Mapping[str, int]], api: Iterable[str]) -> Counts:
    """The users' counts under the names of the API's. A HEAD, and what is no HTTP at all, is left out."""
    patterns = {route: _pattern(route) for route in (name.partition(" ")[2] for name in api)}
    counts: dict[str, Counter[str]] = {}
    for name, statuses in outcomes.items():
        method, _, path = name.partition(" ")
        if method in METHODS and path != METRICS:
            counts.setdefault(f"{method} {_route(path, patterns)}", Counter()).update(statuses)
    return counts


def _is_no_path(name: str) -> bool:
    method, _, path = name.partition(" ")
    return method in METHODS and path != OTHER and not path.startswith("/")


def _route(name: str, patterns: Mapping[str, re.Pattern[str]]) -> str:
    """The API's for a name that users gave: `/products/?filter`, `/products/{id}`, or `/products/17`."""
    path = name.partition("?")[0]
    if path in patterns:
        return path
    return next((route for route, pattern in patterns.items() if pattern.fullmatch(path)), OTHER)


def _pattern(route: str) -> re.Pattern[str]:
    """It is the same with and without the slash at its end."""
    parts = re.split(r"\{[^{}]*\}", route.rstrip("/"))
    return re.compile("[^/]+".join(map(re.escape, parts)) + "/?")


class Both:
    """The counts side by side: what is at both ends, and by route and status what is at one end only."""

    def __init__(self, users: Counts, api: Counts) -> None:
        self.users, self.api = users, api
        self.matched = self.unanswered = self.served = 0
        self.more: Counter[Answers] = Counter()
        """What the API counted beyond all that users have reported to have sent."""
        self.fewer: Counter[Answers] = Counter()
        """What users got an answer to, and the API did not count."""
        for route in sorted(users.keys() | api.keys()):
            self._compare(route, Counter(users.get(route, {})), Counter(api.get(route, {})))

    def _compare(self, route: str, users: Counter[str], api: Counter[str]) -> None:
        unanswered = users.pop(NO_ANSWER, 0)
        self.unanswered += unanswered
        self.matched += (users & api).total()
        self.fewer += Counter({(route, status): count for status, count in (users - api).items()})
        for status, count in (api - users).items():
            served = min(unanswered, count)
            unanswered -= served
            self.served += served
            self.more += Counter({(route, status): count - served})

    @property
    def all(self) -> int:
        """Every answer that somebody knows of."""
        return self.matched + self.served + self.more.total() + self.fewer.total()


def _unexplained(both: Both, gap: Counter[Answers], count: int) -> Check:
    """Names the route where most is missing at one end, and the status of most of it."""
    by_route: Counter[str] = Counter()
    for (route, _status), missing in gap.items():
        by_route[route] += missing
    ((worst, _missing),) = by_route.most_common(1)
    status = max((status for route, status in gap if route == worst), key=lambda status: gap[worst, status])
    users, api = (counts.get(worst, {}).get(status, 0) for counts in (both.users, both.api))
    detail = (
        f"{count:,} of {both.all:,} are unexplained, most at {worst}: {status} was answered to the users "
        f"{users:,} times, by the API {api:,} times"
    )
    return Check(name=NAME, verdict=Verdict.FAIL, count=count, detail=detail)


def _answered_unseen(run: Facts, ended: list[Event], unanswered: int) -> int:
    """How much the users got answered, at most, while no one had looked at an API that was about to end.

    That is what succeeded in those seconds, and the failures of the run that were answers: when they came was
    not noted. The second after goes with them, as the user may have been busy when the answer came.
    """
    unseen = {
        second
        for event in ended
        if event.last_look is not None
        for second in range(int(event.last_look), int(event.at) + 2)
    }
    succeeded = sum(row.requests - row.failures for row in run.seconds if row.second in unseen)
    return succeeded + max(0, run.failures - unanswered) if unseen else 0


def _were(count: int) -> str:
    return f"{count:,} {'was' if count == 1 else 'were'}"


def _whose(lost: list[Event]) -> str:
    return ", or ".join(f"worker {event.worker}'s, lost at {event.moment:%H:%M:%S}" for event in lost)


def _before_what(ended: list[Event]) -> str:
    return ", or ".join(f"the API {ENDS[event.name]} at {event.moment:%H:%M:%S}" for event in ended)
