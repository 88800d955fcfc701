"""What a run is like at one moment, from what the master tells. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

PARTS = ("correct", "fast", "valid")

SHARED = "Users and API share this machine's cores: what one takes, the other lacks."


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Times in seconds, response times in ms; None where nothing is known."""

    what: str
    """The profile or scenario."""
    url: str
    """Where it can be watched."""
    phase: str
    seconds: float
    """Since it was started."""
    duration: float
    """What it is planned for."""
    left: float
    users: int
    target_users: int | None
    workers: int
    rps: float
    p50: float | None
    p95: float | None
    p99: float | None
    requests: int
    failures: int
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """Requests by status; `0` is no complete answer."""
    verdicts: Mapping[str, str] = field(default_factory=dict)
    """As they stand, by part."""
    events: tuple[Mapping[str, Any], ...] = ()
    shares_cores: bool = False
    """Whether the users and the API they are sent to are on the same machine."""


def snapshot(run: Mapping[str, Any], what: str, url: str, seconds: float, duration: float) -> Snapshot:
    """From `GET /stampede/run`."""
    left = run["left_s"]
    return Snapshot(
        what=what,
        url=url,
        phase=run["phase"] or "starting",
        seconds=seconds,
        duration=duration,
        left=max(0.0, duration - seconds if left is None else left),
        users=run["users"],
        target_users=run["target_users"],
        workers=run["workers"],
        rps=run["rps"] or 0.0,
        p50=run["p50_ms"],
        p95=run["p95_ms"],
        p99=run["p99_ms"],
        requests=run["requests"],
        failures=run["failures"],
        outcomes=run["outcomes"],
        verdicts={part: verdict for part, verdict in run["verdicts"].items() if verdict},
        events=tuple(run["events"]),
        shares_cores=bool(run["generator_shares_cores"]),
    )


def figures(seen: Snapshot) -> str:
    """The moment in a line."""
    line = (
        f"{seen.seconds:4.0f}/{seen.duration:.0f} s  {seen.phase:8}  {seen.users} users  "
        f"{seen.rps:.0f} requests/s  {seen.requests} requests, {seen.failures} failed"
    )
    if seen.p95 is not None:
        line += f"  p50 {ms(seen.p50)}  p95 {ms(seen.p95)}  p99 {ms(seen.p99)}"
    return "  ".join(
        [line, *(f"{part.upper()} {seen.verdicts[part]}" for part in PARTS if part in seen.verdicts)]
    )


def ms(time: float | None) -> str:
    """A response time, to what can be told apart."""
    if time is None:
        return "–"
    return f"{time:.1f} ms" if time < 10 else f"{time:,.0f} ms"


def words(event: Mapping[str, Any]) -> str:
    """Something that happened in a run: when, what, and its facts."""
    at = datetime.fromtimestamp(event["at"], UTC)
    known = {name: event[name] for name in ("worker", "address") if event.get(name)}
    facts = [f"{name} {value}" for name, value in {**known, **event.get("facts", {})}.items()]
    return printable(" ".join(filter(None, [f"{at:%H:%M:%S}", event["name"], ", ".join(facts)])))


def printable(text: str) -> str:
    """In one line, and without what a terminal would do instead of showing it."""
    return "".join(each if each.isprintable() else "\ufffd" for each in " ".join(text.split()))
