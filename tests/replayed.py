"""A run of a real master in simulated time: the reports of its workers are made up, second by second."""

from __future__ import annotations

import random
import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from locust import User, __version__
from locust.env import Environment
from locust.rpc import Message
from msgspec import msgpack, to_builtins

from stampede.cluster.delivery import KEY as MARK
from stampede.cluster.small_statistics import SmallStatistics
from stampede.counting.buckets import bucket_of, time_of
from stampede.counting.counts import Counts
from stampede.facts.event import Event
from stampede.facts.run_json import Facts, Phase
from stampede.facts.samples import ApiSample, DatabaseSample, ProcessSample
from stampede.facts.verdict_json import Judgement
from stampede.plan.profiles import Plan, Stage
from stampede.run.driver import Driver
from stampede.run.results_folder import ResultsFolder
from stampede.sampling.rows import Rows
from stampede.sampling.sampler import KEY as SAMPLES
from stampede.sampling.sampler import OwnReport, Row
from stampede.targets import parser
from tests.unit.counted import empty_report

START = 1_795_392_000
USERS = 50
MOST_KNOWN = 2_000
"""Different reports."""

RAMP = 30
"""Seconds until all users are running."""


class Shopper(User):
    """A user that sends nothing."""


class _Requests(NamedTuple):
    """The requests with one name in one report."""

    name: str
    times: list[float]
    latency: tuple[Any, ...]
    """Their row in a report, from the name on."""


def _requests(name: str, times: bytes, late: bytes) -> _Requests:
    milliseconds = [time_of(bucket) for bucket in array("H", times)]
    return _Requests(name, milliseconds, (name, len(milliseconds), 0, times, times, late, b"", 0))


class Audited:
    """An audit that samples the database, and checks nothing."""

    def __init__(self) -> None:
        self.samples: Rows[DatabaseSample] = Rows()
        self.statements: list[Any] = []

    def conclude(self) -> None:
        """There is no result."""


class Replay:
    """A master, and the reports that it gets. `set_time` sets the time of all modules.

    Samplers must not be started: samples are made up, too.
    """

    def __init__(
        self,
        results: Path,
        set_time: Callable[[float], None],
        targets: str,
        *,
        names: int,
        rate: int,
        workers: int,
    ) -> None:
        self._set_time = set_time
        self._chance = random.Random(7)  # noqa: S311 - guards no secret
        self._names = [f"/item/{number}" for number in range(names)]
        self._known: dict[int, list[bytes]] = {}
        """Reports of so many requests, packed: the memory that is measured is that of the master."""
        self._rate = rate
        self._workers = [f"host_{number}{'0' * 31}" for number in range(workers)]
        self._targets = targets
        self.sent = 0
        self.has_dips = False
        """Whether users are missing without an explanation now and then."""
        self.counts = Counts()
        self._prepare_master(results)

    def _prepare_master(self, results: Path) -> None:
        environment = self._environment = Environment(user_classes=[Shopper])
        environment.available_user_classes = {"Shopper": Shopper}
        environment.reset_stats = False
        environment.parsed_options = type("Options", (), {"headless": False, "enable_rebalancing": False})()
        self._runner = environment.create_master_runner("127.0.0.1", 0)
        self._runner.server.send_to_client = lambda _message: None
        self._runner.greenlet.kill()  # no worker sends heartbeats, and in real time they would be missed
        for worker in self._workers:
            self._runner.handle_message(worker, Message("client_ready", __version__, worker))
        SmallStatistics(self._runner, self.counts.names, self.counts.latencies.current_percentile)
        self.driver = Driver(environment, self.counts, ResultsFolder(results, "replay"), None)
        on, observers = environment.events.worker_report, self.driver.observers
        on.add_listener(lambda data, **_: self.counts.add(data))
        on.add_listener(lambda client_id, data, **_: observers.worker_reported(client_id, data))

    def begin(self) -> None:
        """Begin the run."""
        self._set_time(START)
        self._reported = Counter[int]()
        self.counts.clear()
        stages = (Stage(USERS, 10, 1_000_000),)
        self.driver._next_plan = Plan("long", stages=stages, targets=parser.parse(self._targets))
        self.driver.started()
        assert self.driver.current
        assert self.driver._merging
        assert self.driver.folder
        self.run, self.merging, self.folder = (
            self.driver.current,
            self.driver._merging,
            self.driver.folder,
        )
        self.audit = self.driver.observers._audit = Audited()  # type: ignore[assignment]
        self.counts.steps.add_series(self.audit.samples)
        self.merging.stop()
        self.folder.stop_writing()
        self.driver._stages.begin(USERS)

    def second(self, number: int) -> None:
        """Replay one second. Workers come and go, users are missing, the API is silent now and then."""
        second = START + number
        self._set_time(second)
        self._runner.target_user_count = USERS
        users = min(USERS, USERS * number // RAMP)
        if number == RAMP:
            self.run.phase, self.run.window_start = Phase.WINDOW, float(second)
        if number % 500 in (400, 401, 402):  # explained by the worker that comes
            users -= 3
        if number % 500 == 400:
            self.run.events.append(Event(name="worker_joined", at=float(second), worker="7-abc", id="h"))
        if number % 800 == 777 and self.has_dips:
            users -= 1
        self._set_time(second + 0.5)
        for place, worker in enumerate(self._workers):
            of_worker = users // len(self._workers) + (place < users % len(self._workers))
            counts = {"user_count": of_worker, "user_classes_count": {"Shopper": of_worker}}
            data = {**self._report(second, place), **counts}
            self._runner.handle_message(worker, Message("stats", data, worker))
        self._sample(second)
        self._set_time(second + 1)
        self.driver.observers.timeline._take_sample()
        self.driver._stages.check_users()

    def _report(self, second: int, place: int) -> dict[str, Any]:
        is_silent = (second - START) % 700 in range(300, 306)
        rate = self._rate // len(self._workers) + (place < self._rate % len(self._workers))
        requests = [] if is_silent else self._some_requests(rate)
        latency = [(second, "GET", *each.latency) for each in requests]
        outcomes = [(second, "GET", each.name, 200, len(each.times)) for each in requests]
        if is_silent and place == 0:
            latency.append((second, "GET", "/silent", 1, 1, b"", b"", b"", b"", 1))
            outcomes.append((second, "GET", "/silent", 0, 1))
        reported = sum(row[3] for row in latency)
        self.sent += reported
        self._reported[place] += reported
        every = [milliseconds for each in requests for milliseconds in each.times]
        return {
            **empty_report(),
            MARK: {"run": self.run.id, "number": second, "requests": self._reported[place]},
            "stampede_latency": latency,
            "stampede_outcomes": {"counts": outcomes, "after_stop": [], "refused_late": {}},
            "stats": [entry("GET", each.name, each.times, second) for each in requests],
            "stats_total": entry("", "Aggregated", every, second),
            "errors": {},
            SAMPLES: to_builtins(OwnReport([self._row(second)], "machine")),
        }

    def _some_requests(self, number: int) -> list[_Requests]:
        """So many requests. After a while they are those of earlier reports: this is faster."""
        known = self._known.setdefault(number, [])
        if len(known) < MOST_KNOWN:
            known.append(self._packed_requests(number))
        packed = known[-1] if len(known) < MOST_KNOWN else self._chance.choice(known)
        return [_requests(self._names[place], *times) for place, *times in msgpack.decode(packed)]

    def _packed_requests(self, number: int) -> bytes:
        places = range(len(self._names))
        found: defaultdict[int, array[int]] = defaultdict(lambda: array("H"))
        for _ in range(number):
            bucket = bucket_of(self._chance.lognormvariate(3.2, 0.7))
            found[self._chance.choice(places)].append(bucket)
        late = (array("H", [bucket_of(self._chance.random() * 5) for _ in times]) for times in found.values())
        rows = zip(found, found.values(), late, strict=True)
        return msgpack.encode(
            [(place, times.tobytes(), lateness.tobytes()) for place, times, lateness in rows]
        )

    def _row(self, second: int) -> Row:
        lag = round(self._chance.expovariate(2.0), 1)
        sample = ProcessSample(
            second=second,
            cpu_percent=20 + lag,
            memory_mb=60.0 + lag,
            memory_limit_mb=256.0,
            waited_percent=lag,
            same_work_ms=0.4,
            hub_lag_ms=lag,
            hub_lag_p99_ms=lag,
        )
        return Row(sample, [(lag, 50)], [(lag, 50)])

    def _sample(self, second: int) -> None:
        observers: Any = self.driver.observers
        observers._samples._keep_own(self._row(second))
        used = float(self._chance.randrange(100))
        observers._counters.rows.append(
            ApiSample(second=second, cpu_percent=used, memory_mb=80 + used, in_flight=3.0, pool_size=10)
        )
        states = {"active": self._chance.randrange(9), "idle": 10}
        waits: dict[str, int | float] = {"IO:WalSync": self._chance.randrange(3)}
        self.audit.samples.append(
            DatabaseSample(second=second, connections=states, max_connections=100, waits=waits, commits=400.0)
        )

    def finish(self) -> tuple[Path, Facts, Judgement]:
        """End the run; return its folder, its facts and its verdict."""
        self.driver.stopping()
        self._set_time(time.time() + 2)
        self.folder.ledger.still_working.clear()
        self.run.phase, self.run.as_planned = Phase.AUDITING, True
        self.driver._stages.end()
        with patch("stampede.run.run._clock_zero", lambda: self.run.clock_zero):  # nobody sets the clock
            self.driver._finisher.finish(self.run, self.folder, self.driver._stages, None, self.merging)
        assert self.folder.judgement
        return self.folder.path, self.folder.facts, self.folder.judgement

    def close(self) -> None:
        """Close the master."""
        self._runner.server.socket.context.destroy(linger=0)


def entry(method: str, name: str, times: list[float], second: int) -> dict[str, Any]:
    """The statistics of a name as Locust's workers report them."""
    counts: defaultdict[float, int] = defaultdict(int)
    for milliseconds in times:
        counts[milliseconds] += 1
    return {
        "name": name,
        "method": method,
        "last_request_timestamp": second + 0.5,
        "start_time": second,
        "num_requests": len(times),
        "num_none_requests": 0,
        "num_failures": 0,
        "total_response_time": sum(times),
        "max_response_time": max(times, default=0),
        "min_response_time": min(times, default=None),
        "total_content_length": 100 * len(times),
        "response_times": counts,
        "num_reqs_per_sec": {second: len(times)},
        "num_fail_per_sec": {},
    }
