"""The rows of the System tab: the newest sample of each role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from stampede.facts.samples import Sample
from stampede.report import series
from stampede.webui.live import Snapshot

Row = dict[str, Any]

COLUMNS = {
    "cpu": ("{cpu_percent:,.0f} %",),
    "memory": ("{memory_mb:,.0f} MB", "of {memory_limit_mb:,.0f}"),
    "throttled": ("{throttled_percent:.0f} %",),
    "more": (
        "event loop at most {hub_lag_ms:.1f} ms late,",
        "{reports_late} reports of workers late,",
        "{in_flight:,.0f} requests in progress,",
        "{waiting:,.0f} requests in the queue,",
        "{pool_in_use:.0f} of {pool_size:.0f} database connections in use,",
        "connections: {states} (limit {max_connections}),",
        "{commits:,.0f} commits/s,",
        "{rollbacks:,.0f} rollbacks/s,",
        "{deadlocks:,.0f} deadlocks/s,",
        "{locks_waiting} sessions waiting for locks,",
        "{cache_hit_percent:.1f}\xa0% cache hits,",
        "{size_mb:,.0f} MB of data,",
    ),
}
"""The phrases of each column; a phrase is shown where all its figures are known."""


def system_rows(snapshot: Snapshot) -> list[Row]:
    """Return a row for the API, PostgreSQL, the master and each worker, by its label."""
    if snapshot.facts is None:
        return []
    return [{"role": role.name, **_row(role.rows[-1])} for role in series.roles(snapshot.facts)]


def _row(sample: Sample) -> Row:
    known = {name: value for name, value in asdict(sample).items() if value is not None}
    if "connections" in known:
        known["states"] = ", ".join(f"{count} {state}" for state, count in known["connections"].items())
    return {name: _text(phrases, known) for name, phrases in COLUMNS.items()}


def _text(phrases: tuple[str, ...], known: Mapping[str, Any]) -> str:
    parts = []
    for phrase in phrases:
        try:
            parts.append(phrase.format_map(known))
        except KeyError:  # one of its figures is not known
            continue
    return " ".join(parts).rstrip(",")
