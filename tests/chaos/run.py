"""A plan carried out: the load with its faults, and a load for each fault that ends the one it happens in."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from stampede.audit import ledger
from stampede.facts import run_json as facts
from stampede.facts.verdict_json import Judgement, Verdict
from tests.chaos import report
from tests.chaos.cluster import ActError, Cluster, begin, end
from tests.chaos.plan import Fault, Plan
from tests.chaos.report import Evidence, Interruption, Report
from tests.chaos.windows import Injection, Order
from tests.checkout import wait_until

Say = Callable[[str], None]
"""Shows a line of progress."""

LONGEST_END = 120.0
"""Seconds for a run to stop, to be audited, to be written."""

AFTERMATH = 6.0
"""Seconds of a load, its ramp not counted, that shows that orders are taken again."""

LONGEST_ABSENCE = 20.0
"""Seconds to wait for workers whose master was away: twice what is promised."""

INTERRUPTED = 60.0
"""Seconds that a load would go on for, had nobody ended it."""


def carry_out(cluster: Cluster, plan: Plan, into: Path, say: Say) -> Report:
    """All of it, in the order of time. The folders of the runs go to `into`."""
    cluster.set_profile(plan.load)
    whole = Report()
    if plan.faults_of_the_load:
        _add(whole, _load(cluster, plan, into, say))
    for fault in plan.faults:
        if fault.ends_the_run:
            _add(whole, _interrupted_load(cluster, plan, fault, into, say))
    whole.rows.sort(key=lambda row: row.fault.number)
    return whole


def _add(whole: Report, part: Report) -> None:
    whole.rows += part.rows
    whole.remarks += part.remarks
    whole.complaints += part.complaints


def _load(cluster: Cluster, plan: Plan, into: Path, say: Say) -> Report:
    run_id = start(cluster)
    started = time.time()
    say(f"run {run_id}: {plan.load.users} users, {plan.load.run_time:g} s")
    possible = [fault for fault in plan.faults_of_the_load if cluster.cannot(fault) is None]
    late = _wait_for_users(cluster, started + plan.load.ramp)
    injections, failed = _inject(cluster, possible, started + late, started + plan.load.run_time, say)
    folder = finish(cluster, run_id, into, started + plan.load.run_time)
    say(f"the run is over: {folder}")
    found = report.of_the_load(injections, evidence(folder, plan.load.users))
    for fault in plan.faults_of_the_load:
        if reason := cluster.cannot(fault):
            found.leave_out(fault, reason)
        elif fault in failed:
            found.fail(fault, failed[fault])
    return found


def _wait_for_users(cluster: Cluster, planned: float) -> float:
    """Users that are not there yet cannot be lost. Returns by how many seconds they were late."""
    wait_until(lambda: cluster.master.run()["phase"] != "ramp", "all users to start")
    return max(0.0, time.time() - planned)


def _inject(
    cluster: Cluster, faults: Sequence[Fault], started: float, end_of_load: float, say: Say
) -> tuple[list[Injection], dict[Fault, str]]:
    """Do and undo each at its time; returns what was done, and why the rest was not."""
    waiting, under_way, done = list(faults), list[Injection](), list[Injection]()
    failed: dict[Fault, str] = {}
    while waiting or under_way:
        at, fault, begun = next_act(waiting, under_way, done, started)
        if begun:
            time.sleep(max(0.0, at - time.time()))
            under_way.remove(begun)
            done.append(_ended(cluster, begun, say))
            continue
        waiting.remove(fault)
        if at + fault.over - fault.at > end_of_load:
            failed[fault] = "earlier faults took too long"
            continue
        time.sleep(max(0.0, at - time.time()))
        try:
            under_way.append(_begun(cluster, fault, say))
        except ActError as error:
            failed[fault] = str(error)
            say(f"{fault.words}: {error}")
            cluster.heal()
    return done, failed


def next_act(
    waiting: Sequence[Fault], under_way: Sequence[Injection], done: Sequence[Injection], started: float
) -> tuple[float, Fault, Injection | None]:
    """What is to be done next, and when (seconds since the epoch): a fault, or the end of one that has begun.

    A fault lasts as long as it is to, from when it is in effect. One that the plan has after another is over
    begins when it is over, though that took longer than planned.
    """
    ends = [(each.in_effect + each.fault.duration, each.fault, each) for each in under_way]
    begins = [
        (
            max([started + fault.at, *(each.until for each in done if each.fault.over <= fault.at)]),
            fault,
            None,
        )
        for fault in waiting
        if not any(each.fault.over <= fault.at for each in under_way)
    ]
    return min([*ends, *begins], key=lambda act: (act[0], act[1].number))


def _begun(cluster: Cluster, fault: Fault, say: Say) -> Injection:
    ordered = time.time()
    told = begin(cluster, fault)
    now = time.time()
    say(f"{fault.words}{': ' * bool(told)}{told}")
    return Injection(fault, ordered, now, now, told)


def _ended(cluster: Cluster, begun: Injection, say: Say) -> Injection:
    if not begun.fault.duration:
        return begun
    told = end(cluster, begun.fault)
    say(f"ended: {begun.fault.words}{': ' * bool(told)}{told}")
    both = "; ".join(filter(None, (begun.told, told)))
    return dataclasses.replace(begun, over=time.time(), told=both)


def _interrupted_load(cluster: Cluster, plan: Plan, fault: Fault, into: Path, say: Say) -> Report:
    """The master goes in the middle of it and comes back; when the workers have too, a new run follows."""
    run_id = start(cluster, run_time=f"{fault.at + INTERRUPTED:.0f}s")
    started = time.time()
    say(f"run {run_id}, to be interrupted")
    time.sleep(max(0.0, started + fault.at - time.time()))
    ordered = time.time()
    begin(cluster, fault)
    if fault.duration:
        time.sleep(fault.duration)
        end(cluster, fault)
    wait_until(lambda: cluster.master.worker_count() is not None, "the master to answer again")
    answered = time.time()
    say(f"{fault.words}: the master answered after {answered - ordered:.1f} s")
    ready = _wait_for_workers(cluster, plan.load.workers)
    happened = Interruption(fault, started, ordered, answered, ready)
    say(happened.words)
    if ready is None:
        cluster.heal()
        wait_until(lambda: cluster.is_ready_for_a_run(plan.load.workers), "the repaired workers to join")
    length = plan.load.ramp + AFTERMATH
    next_id = start(cluster, run_time=f"{length:.0f}s")
    after = evidence(finish(cluster, next_id, into, time.time() + length), plan.load.users)
    verdict = _verdict_of(cluster, run_id, into)
    return report.of_an_interruption(happened, after, cluster.audit(run_id), verdict)


def _wait_for_workers(cluster: Cluster, workers: int) -> float | None:
    """When they had all joined; None if some never did."""
    deadline = time.monotonic() + LONGEST_ABSENCE
    while time.monotonic() < deadline:
        if cluster.is_ready_for_a_run(workers):
            return time.time()
        time.sleep(0.1)
    return None


def _verdict_of(cluster: Cluster, run_id: str, into: Path) -> Verdict | None:
    with suppress(OSError):
        return judgement(cluster.checkout.keep_results(run_id, into)).verdict
    return None


def start(cluster: Cluster, **wanted: object) -> str:
    """Start a run with the plan's load, and what is wanted otherwise; returns its id."""
    before = cluster.master.run()["id"]
    cluster.master.start({"profile": "chaos", **wanted})
    wait_until(lambda: cluster.master.run()["id"] not in (None, before), "the run to begin")
    return str(cluster.master.run()["id"])


def finish(cluster: Cluster, run_id: str, into: Path, planned_end: float) -> Path:
    """Wait for a run's end and fetch its folder."""
    patience = max(0.0, planned_end - time.time()) + LONGEST_END
    wait_until(lambda: not cluster.master.run()["in_progress"], "the end of the run", patience)
    return cluster.checkout.keep_results(run_id, into)


def evidence(folder: Path, users: int) -> Evidence:
    """What a run's folder says."""
    run, judged = facts.read(folder), judgement(folder)
    return Evidence(
        started=run.started_at.timestamp(),
        users=users,
        orders=list(orders(folder)),
        seconds=run.seconds,
        correct=judged.correct.checks,
        valid=judged.valid.checks,
        events=run.events,
    )


def judgement(folder: Path) -> Judgement:
    """What a run's folder says that the run was judged to be."""
    return msgspec.json.decode((folder / "verdict.json").read_bytes(), type=Judgement)


def orders(folder: Path) -> Iterator[Order]:
    """Those of the ledger that were acknowledged."""
    for tables in ledger.settled(ledger.read(folder / "ledger.jsonl.gz")):
        for entry in tables["told"]:
            if entry.sent is not None and entry.answered is not None:
                yield entry.sent, entry.answered
