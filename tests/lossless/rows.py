"""What is done to a cluster, and what is measured: one function for each row, the same for both sides."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.lossless.cluster import USERS, Cluster, Worker
from tests.lossless.crowd import Crowd
from tests.lossless.table import Figure, lost, seconds, users

TAKEN_OVER = 5.0
"""Seconds for others to have taken users over."""

REPORT_INTERVAL = 1.0
"""Seconds of a killed worker that may be missing; and what was not answered yet."""

LATENESS = 0.25
"""Seconds by which a report may be late on a machine that has other things to do."""

BACK = 10.0
"""Seconds for all users to be back after a death; for a worker to do without its master."""

SEEN = 3.0
"""Seconds until the target has heard once more of every user: who is in between is not known to be there."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    title: str
    experiment: Callable[[Cluster], Sequence[Figure]]
    seconds: float
    """How long it takes, about: the longest begins first."""
    needs_links: bool = False


def stop_headless(cluster: Cluster) -> list[Figure]:
    """A run without a browser comes to its end."""
    cluster.run_headless(8)
    return [_lost(cluster)]


def stop_in_the_ui(cluster: Cluster) -> list[Figure]:
    """Somebody presses Stop."""
    cluster.start(2)
    cluster.stop()
    return [_lost(cluster)]


def stop_by_interrupt(cluster: Cluster) -> list[Figure]:
    """Somebody presses Ctrl-C where the master runs."""
    cluster.start(2)
    cluster.interrupt()
    return [_lost(cluster)]


def stop_by_compose(cluster: Cluster) -> list[Figure]:
    """Everything is told to end, workers first."""
    cluster.start(2)
    cluster.compose_stop()
    return [_lost(cluster)]


def scale_down(cluster: Cluster) -> list[Figure]:
    """Two of four workers are told to end."""
    cluster.start(4)
    return _scale_down(cluster, cluster.workers[:2])


def scale_down_after_joins(cluster: Cluster) -> list[Figure]:
    """The same where two of the four came in the middle of the run; an old and a new one go."""
    cluster.start(2)
    _scale_up(cluster, 4)
    return _scale_down(cluster, cluster.workers[1:3])


def _scale_down(cluster: Cluster, leaving: Sequence[Worker]) -> list[Figure]:
    begun = time.monotonic()
    for worker in list(leaving):
        cluster.terminate(worker)
    cluster.wait(TAKEN_OVER + SEEN)
    there = cluster.crowd().at(begun + TAKEN_OVER)
    cluster.stop()
    return [users("users after 5 s", there, USERS), _lost(cluster)]


def scale_up(cluster: Cluster) -> list[Figure]:
    """Two workers join two."""
    cluster.start(2)
    begun = time.monotonic()
    joined = _scale_up(cluster, 4)
    crowd, now = cluster.crowd(), time.monotonic()
    cluster.stop()
    return [
        _shares(cluster, crowd, joined + TAKEN_OVER),
        _never_over(crowd, begun, now),
        _lost(cluster),
    ]


def _scale_up(cluster: Cluster, workers: int) -> float:
    """Add workers; returns when the last had joined. Then users have had the time to spread."""
    for _ in range(workers - len(cluster.workers)):
        cluster.add_worker()
    cluster.wait_for_workers(workers)
    joined = time.monotonic()
    cluster.wait(TAKEN_OVER + SEEN)
    return joined


def _shares(cluster: Cluster, crowd: Crowd, moment: float) -> Figure:
    by_worker = crowd.by_worker(moment)
    shares = [by_worker.get(worker.name, 0) for worker in cluster.workers]
    share, rest = divmod(USERS, len(shares))
    due = f"{share}–{share + 1} each" if rest else f"{share} each"
    holds = sum(shares) == USERS and all(share <= each <= share + bool(rest) for each in shares)
    return Figure("users of each worker after 5 s", " + ".join(map(str, shares)), due, holds)


def _never_over(crowd: Crowd, start: float, end: float) -> Figure:
    highest = crowd.highest(start, end)
    return Figure("most users at once", f"{highest} of {USERS}", f"≤ {USERS}", highest <= USERS)


def joins_and_leaves(cluster: Cluster) -> list[Figure]:
    """Workers come and go, faster than users can settle."""
    cluster.start(2)
    begun = time.monotonic()
    for _ in range(5):
        cluster.add_worker()
        cluster.wait_for_workers(3)
        cluster.wait(1)
        cluster.terminate(cluster.workers[0])
        cluster.wait_for_workers(2)
    cluster.wait(TAKEN_OVER + SEEN)
    crowd, now = cluster.crowd(), time.monotonic()
    there = crowd.at(now - SEEN)
    cluster.stop()
    return [users("users in the end", there, USERS), _never_over(crowd, begun, now), _lost(cluster)]


def kill(cluster: Cluster) -> list[Figure]:
    """One of three workers is killed."""
    cluster.start(3)
    victim = cluster.workers[0]
    cluster.kill(victim)
    killed = time.monotonic()
    cluster.wait(80)  # stock Locust forgets a dead worker after a minute, and all users with it
    crowd, now = cluster.crowd(), time.monotonic()
    cluster.stop()
    return [
        Figure("fewest users", f"{crowd.lowest(killed, killed + 60)} of {USERS}", "–", True),
        seconds("back at the target after", crowd.seconds_until(USERS, killed, now), BACK, now - killed),
        users("fewest users a minute later", crowd.lowest(killed + 60, now - SEEN), USERS),
        *_missing(cluster, victim.name, killed),
    ]


def _missing(cluster: Cluster, worker: str, killed: float) -> list[Figure]:
    """What it had not reported: the answers of the last interval, and what was never answered."""
    made = len(cluster.requests())
    missing = made - (cluster.counted() or 0)
    since = killed - REPORT_INTERVAL - LATENESS
    unreported = sum(
        request.worker == worker and (request.answered is None or request.answered >= since)
        for request in cluster.requests()
    )
    shown = f"{missing:,} of {made:,} ({unreported} in its last second)"
    return [
        Figure("requests lost", shown, "at most those of its last second", 0 <= missing <= unreported),
        _named(cluster, missing),
    ]


def _named(cluster: Cluster, missing: int) -> Figure:
    """What the run itself says of it."""
    name, due = "requests reported as lost", "at least as many"
    run = cluster.left_behind("run.json") or {"events": []}
    said = [event["at_most"] for event in run["events"] if event["name"] == "worker_lost"]
    if len(said) != 1:
        return Figure(name, "nothing" if not said else f"{len(said)} workers", due, False)
    return Figure(name, f"at most {said[0]:,}", due, said[0] >= missing)


def master_restart(cluster: Cluster) -> list[Figure]:
    """The master is killed in a run, and starts again at once."""
    cluster.start(2)
    patience = 75.0
    joined = cluster.restart_master(2, patience)
    return [seconds("workers are back after", joined, BACK, patience), _what_is_left(cluster)]


def _what_is_left(cluster: Cluster) -> Figure:
    """Of the run that was interrupted."""
    verdict, run = cluster.left_behind("verdict.json"), cluster.left_behind("run.json")
    if verdict is None or run is None:
        return Figure("figures left of the run", "nothing", "verdict UNKNOWN", False)
    shown = f"verdict {verdict['verdict']}, {run['requests']:,} of {len(cluster.requests()):,} requests"
    return Figure("figures left of the run", shown, "verdict UNKNOWN", verdict["verdict"] == "UNKNOWN")


def network_cut(duration: float) -> Callable[[Cluster], list[Figure]]:
    """A row in which one of three workers does not reach the master for so many seconds."""

    def cut(cluster: Cluster) -> list[Figure]:
        assert cluster.links is not None
        cluster.start(3)
        begun, name = time.monotonic(), cluster.workers[0].name
        cluster.links.cut()
        cluster.wait(duration)
        cluster.links.mend()
        mended = time.monotonic()
        cluster.wait(2 * BACK + SEEN)
        crowd, now = cluster.crowd(), time.monotonic()
        cluster.stop()
        return _of_a_cut(cluster, crowd, name, (begun, mended, now))

    return cut


def _of_a_cut(
    cluster: Cluster, crowd: Crowd, worker: str, moments: tuple[float, float, float]
) -> list[Figure]:
    begun, mended, now = moments
    highest = crowd.highest(begun, now)
    over = crowd.longest_over(USERS, begun, now)
    figures = [
        Figure("most users at once", f"{highest} of {USERS}", "–", True),
        seconds("more users than the target for", over, BACK, 0),
        users("users 20 s later", crowd.at(mended + 2 * BACK), USERS),
        _lost(cluster),
    ]
    if mended - begun > BACK + 1:
        stopped = crowd.there_until(worker, mended) - begun
        until_the_end = stopped > mended - begun - SEEN
        measured = None if until_the_end else max(0.0, stopped)
        figures.insert(0, seconds("its users stop after", measured, BACK + 1, mended - begun))
    return figures


def _lost(cluster: Cluster) -> Figure:
    return lost(len(cluster.requests()), cluster.counted())


ROWS = (
    Row("stop-headless", "a run without a browser ends", stop_headless, 20),
    Row("stop-ui", "Stop in the UI", stop_in_the_ui, 20),
    Row("stop-ctrl-c", "Ctrl-C at the master", stop_by_interrupt, 20),
    Row("stop-compose", "`docker compose stop`", stop_by_compose, 20),
    Row("scale-down", "4 workers → 2", scale_down, 28),
    Row("scale-down-after-joins", "2 workers → 4 → 2", scale_down_after_joins, 40),
    Row("scale-up", "2 workers → 4", scale_up, 28),
    Row("joins-and-leaves", "5 workers join, 5 leave, one by one", joins_and_leaves, 50),
    Row("kill", "one of 3 workers is killed", kill, 105),
    Row("master-restart", "the master is killed and starts again", master_restart, 90),
    Row("cut-5", "one of 3 workers is disconnected for 5 s", network_cut(5), 50, needs_links=True),
    Row("cut-20", "one of 3 workers is disconnected for 20 s", network_cut(20), 65, needs_links=True),
    Row("cut-90", "one of 3 workers is disconnected for 90 s", network_cut(90), 135, needs_links=True),
)
