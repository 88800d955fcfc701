"""The state of a run at one moment, as the master reports it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stampede import harmless

PARTS = ("correct", "fast", "valid")

SHARED = "Users and API share the cores of this machine: each slows down the other."
"""The warning that users and API run on the same machine."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a run at one moment.

    Times are in seconds, response times in ms. A value is None while it is not known.
    """

    what: str
    """The name of the profile, the scenario or the custom locustfile."""
    target: str
    """The target as the user named it; empty where it is not known."""
    phase: str
    seconds: float
    """Time since the run was started."""
    duration: float | None
    """Planned length of the run; None where a shape ends it."""
    left: float | None
    users: int
    target_users: int | None
    workers: int
    rps: float
    p50: float | None
    p95: float | None
    p99: float | None
    requests: int
    failures: int
    silent: int = 0
    """For how many seconds the target has not answered; 0 while it answers."""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """Number of requests by HTTP status; `0` stands for no complete answer."""
    verdicts: Mapping[str, str] = field(default_factory=dict)
    """The present verdict of each part that has one."""
    events: tuple[Mapping[str, Any], ...] = ()
    shares_cores: bool = False
    """Whether the users run on the same machine as the API."""


def snapshot(
    run: Mapping[str, Any], what: str, target: str, seconds: float, duration: float | None
) -> Snapshot:
    """Return the snapshot for an answer of `GET /stampede/run`."""
    left = run["left_s"]
    return Snapshot(
        what=what,
        target=target,
        phase=run["phase"] or "starting",
        seconds=seconds,
        duration=duration,
        left=max(0.0, duration - seconds) if left is None and duration is not None else left,
        users=run["users"],
        target_users=run["target_users"],
        workers=run["workers"],
        rps=run["rps"] or 0.0,
        p50=run["p50_ms"],
        p95=run["p95_ms"],
        p99=run["p99_ms"],
        requests=run["requests"],
        failures=run["failures"],
        silent=run["silent_s"],
        outcomes=run["outcomes"],
        verdicts={part: verdict for part, verdict in run["verdicts"].items() if verdict},
        events=tuple(run["events"]),
        shares_cores=bool(run["generator_shares_cores"]),
    )


def status_line(snapshot: Snapshot) -> str:
    """Return a snapshot as one line of plain text."""
    length = "" if snapshot.duration is None else f"/{snapshot.duration:.0f}"
    line = (
        f"{snapshot.seconds:4.0f}{length} s  {snapshot.phase:8}  {snapshot.users} users  "
        f"{snapshot.rps:.0f} requests/s  {snapshot.requests} requests, {snapshot.failures} failed"
    )
    if snapshot.p95 is not None:
        line += f"  p50 {ms(snapshot.p50)}  p95 {ms(snapshot.p95)}  p99 {ms(snapshot.p99)}"
    if snapshot.silent:
        line += f"  {no_answer(snapshot)}"
    verdicts = snapshot.verdicts
    return "  ".join([line, *(f"{part.upper()} {verdicts[part]}" for part in PARTS if part in verdicts)])


def no_answer(snapshot: Snapshot) -> str:
    """Return for how long the target has not answered."""
    return f"no answer for {snapshot.silent} s"


def ms(time: float | None) -> str:
    """Return a response time with its unit; with a decimal below 10 ms only."""
    if time is None:
        return "–"
    return f"{time:.1f} ms" if time < 10 else f"{time:,.0f} ms"


def event_line(event: Mapping[str, Any]) -> str:
    """Return an event as one line: its time (UTC), its name and its facts."""
    at = datetime.fromtimestamp(event["at"], UTC)
    place = {name: event[name] for name in ("worker", "address") if event.get(name)}
    details = {**place, **event.get("facts", {})}
    if event["name"] == "target_silent" and isinstance(details.get("until"), int):
        details["until"] = f"{datetime.fromtimestamp(details['until'], UTC):%H:%M:%S}"
    facts = [f"{name} {value}" for name, value in details.items()]
    return harmless.line(" ".join(filter(None, [f"{at:%H:%M:%S}", event["name"], ", ".join(facts)])))
