"""VALID: were all requests counted? Compares the users' counts with the API's own. Pure.

Each request that was answered must be in the API's counts, under its method, route and status. Where some
names are counted together (stampede/counting/names.py), only methods and statuses are compared. A request
without an answer may be in the API's counts. Only two kinds of event explain any other difference. A lost
worker did not report its last requests, but the API counted them. An API process that ended did not report
its last counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from stampede.counting.names import EVENT, MOST_NAMES
from stampede.facts.event import Event
from stampede.facts.run_json import ApiCounts, Facts
from stampede.facts.verdict_json import Check, Verdict
from stampede.verdict.api_routes import ApiRoutes
from stampede.verdict.checks import not_asked, unknown_unless
from stampede.verdict.losses import losses

NAME = "all_requests_counted"

MOST_LISTED = 2
"""Ignored samples of the API's metrics that the check shows; run.json has more."""

NO_COUNTERS = "not checked: the target has no http_requests_total{method,route,status} at /metrics"
NO_ANSWER = "0"
METRICS = "/metrics"
OTHER = "other"
"""The API's label for routes, and for methods, that it does not have. It is also the name of the users'
requests that are counted together."""
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
ENDS = {"api_restarted": "restarted", "api_gone": "was gone"}
"""Events that end a process of the API: its counts since their `last_look` are lost."""

Answers = tuple[str, str]
"""A method with a route, such as `POST /orders/`, and a status."""
Counts = Mapping[str, Mapping[str, int]]
"""Number of answers by method with route, such as `POST /orders/`, and by status."""


def all_requests_counted(run: Facts) -> Check:
    """Return the check, from the run's `counters`, `outcomes`, `events`, `seconds` and `lost_workers`."""
    if run.counters is None:
        return not_asked(NAME, NO_COUNTERS)
    check, ignored = _compared(run, run.counters), run.counters.ignored
    if not ignored:
        return check
    more = f", and {len(ignored) - MOST_LISTED} more" if len(ignored) > MOST_LISTED else ""
    return replace(check, detail=f"{check.detail}; ignored: {', '.join(ignored[:MOST_LISTED])}{more}")


def _compared(run: Facts, counters: ApiCounts) -> Check:
    if counters.error is not None:
        return not_asked(NAME, f"not checked: {counters.error}")
    if counters.missed is not None:
        return unknown_unless(NAME, False, counters.missed)
    if strange := sorted(filter(_is_no_path, run.outcomes)):
        detail = f"'{strange[0]}' is not a route of the API: name your requests after the API's routes"
        return not_asked(NAME, f"not checked: {detail}")
    compared = _comparison(run, counters.api)
    lost = [*losses(run).values()]
    ended = [event for event in run.events if event.name in ENDS]
    for gap, explainable in (
        (compared.only_api, sum(event.at_most or 0 for event in lost)),
        (compared.only_users, _most_answers_unseen(run, ended, compared.unanswered)),
    ):
        if gap.total() > explainable:
            return _unexplained(compared, gap, gap.total() - explainable)
    explained = "; ".join([*_explanations(compared, lost, ended), *_not_compared(run)])
    counted = f"{compared.matched:,} of {compared.all:,}"
    return unknown_unless(NAME, True, f"{counted}: {explained}" if explained else counted, count=0)


def _comparison(run: Facts, api: Counts) -> Comparison:
    users = by_route(run.outcomes, api)
    return Comparison(_by_method(users), _by_method(api)) if _has_other_names(run) else Comparison(users, api)


def _by_method(counts: Counts) -> Counts:
    """Return the counts of all routes together."""
    by_method: dict[str, Counter[str]] = {}
    for name, statuses in counts.items():
        by_method.setdefault(f"{name.partition(' ')[0]} requests", Counter()).update(statuses)
    return by_method


def _has_other_names(run: Facts) -> bool:
    """Return whether requests with some names are counted together."""
    return any(event.name == EVENT for event in run.events)


def _not_compared(run: Facts) -> Iterator[str]:
    if _has_other_names(run):
        yield f"by method only, as names beyond {MOST_NAMES:,} are counted as `{OTHER}`"


def _explanations(compared: Comparison, lost: list[Event], ended: list[Event]) -> Iterator[str]:
    """Yield the reason for each kind of difference, where there is one."""
    if compared.served:
        unanswered = f"{compared.unanswered:,} requests without an answer"
        yield f"{compared.served:,} of {unanswered} were served by the API"
    if compared.only_api:
        yield f"{_were(compared.only_api.total())} {_whose(lost)}"
    if compared.only_users:
        yield f"{_were(compared.only_users.total())} answered before {_before_what(ended)}"


def by_route(outcomes: Mapping[str, Mapping[str, int]], api: Iterable[str]) -> Counts:
    """Return the users' counts by the API's routes. HEAD requests, and all that is not HTTP, are left out."""
    routes = ApiRoutes(name.partition(" ")[2] for name in api)
    counts: dict[str, Counter[str]] = {}
    for name, statuses in outcomes.items():
        method, _, path = name.partition(" ")
        if method in METHODS and path != METRICS:
            counts.setdefault(f"{method} {routes.find(path) or OTHER}", Counter()).update(statuses)
    return counts


def _is_no_path(name: str) -> bool:
    method, _, path = name.partition(" ")
    return method in METHODS and path != OTHER and not path.startswith("/")


class Comparison:
    """The counts of users and API: those on both sides, and by route and status those on one side only."""

    def __init__(self, users: Counts, api: Counts) -> None:
        self.users, self.api = users, api
        self.matched = self.unanswered = self.served = 0
        self.only_api: Counter[Answers] = Counter()
        """Requests that the API counted and no user reported."""
        self.only_users: Counter[Answers] = Counter()
        """Answers that users counted and the API did not."""
        for route in sorted(users.keys() | api.keys()):
            self._compare(route, Counter(users.get(route, {})), Counter(api.get(route, {})))

    def _compare(self, route: str, users: Counter[str], api: Counter[str]) -> None:
        unanswered = users.pop(NO_ANSWER, 0)
        self.unanswered += unanswered
        self.matched += (users & api).total()
        self.only_users += Counter({(route, status): count for status, count in (users - api).items()})
        for status, count in (api - users).items():
            served = min(unanswered, count)
            unanswered -= served
            self.served += served
            self.only_api += Counter({(route, status): count - served})

    @property
    def all(self) -> int:
        """Return how many answers the users, the API or both counted."""
        return self.matched + self.served + self.only_api.total() + self.only_users.total()


def _unexplained(compared: Comparison, gap: Counter[Answers], count: int) -> Check:
    """Return the failed check, with the route and the status where the difference is largest."""
    by_route: Counter[str] = Counter()
    for (route, _status), missing in gap.items():
        by_route[route] += missing
    ((worst, _missing),) = by_route.most_common(1)
    status = max((status for route, status in gap if route == worst), key=lambda status: gap[worst, status])
    users, api = (counts.get(worst, {}).get(status, 0) for counts in (compared.users, compared.api))
    detail = (
        f"{count:,} of {compared.all:,} differ without an explanation, most at {worst} with status {status}: "
        f"the users counted {users:,}, the API {api:,}"
    )
    return Check(name=NAME, verdict=Verdict.FAIL, count=count, detail=detail)


def _most_answers_unseen(run: Facts, ended: list[Event], unanswered: int) -> int:
    """Return the most answers that API processes gave after the last poll of their counters.

    These are the successes of those seconds, and all failures of the run that were answers: the time of a
    failure is not recorded. The next second counts too, as a user may have been busy when the answer came.
    """
    unseen = unseen_seconds(ended)
    succeeded = sum(row.requests - row.failures for row in run.seconds if row.second in unseen)
    return succeeded + max(0, run.failures - unanswered) if unseen else 0


def unseen_seconds(events: Iterable[Event]) -> set[int]:
    """Return the seconds in which API processes may have answered after the last poll of their counters."""
    return {
        second
        for event in events
        if event.name in ENDS and event.last_look is not None
        for second in range(int(event.last_look), int(event.at) + 2)
    }


def _were(count: int) -> str:
    return f"{count:,} {'was' if count == 1 else 'were'}"


def _whose(lost: list[Event]) -> str:
    return ", or ".join(f"worker {event.worker}'s, lost at {event.moment:%H:%M:%S}" for event in lost)


def _before_what(ended: list[Event]) -> str:
    return ", or ".join(f"the API {ENDS[event.name]} at {event.moment:%H:%M:%S}" for event in ended)
