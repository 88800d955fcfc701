"""A plausible ``run.json``, small and always the same: what the report and the comparison are tested with."""

from __future__ import annotations

from datetime import UTC, datetime
from math import sin
from typing import Any

START = 1_795_381_620
"""Its first second, since the epoch."""

SECONDS, RAMP, DRAIN = 60, 5, 2
FREEZE = range(30, 32)
"""Seconds after the start in which nothing was answered."""

HOSTILE = "</script><script>document.title='caught'</script><img src=x onerror=alert(1)> | `x` @somebody \x07"
"""What a route, an error or an answer may hold."""

Run = dict[str, Any]


def run(**changes: Any) -> Run:
    """The facts of a run in which all went well but for an API that froze for two seconds."""
    facts = {
        **{"schema": 2, "id": "20261122-210700-beef", "phase": "writing", "interrupted": False},
        **{"as_planned": True, "profile": "heavy", "user_classes": ["OrderProcessingUser", "MonitoringUser"]},
        **{"host": "http://api:8000", "locustfile": "load_tests/locustfile.py", "users": 200, "workers": 2},
        **{"lost_workers": [], "started_at": iso(START), "written_at": iso(START + SECONDS + 4)},
        **{"requests": 41_300, "failures": 0, "overload": False, "errors": [], "exceptions": []},
        "outcomes": {
            "GET /products/": {"200": 20_650},
            "GET /products/{id}": {"200": 8_000, "404": 12},
            "POST /orders/": {"201": 12_000, "409": 638},
        },
        "window": window(),
        "pace": {"wanted_rps": 750, "sent_rps": 748.2, "late_p99_ms": 3.1, "waited_late": 12},
        "promises": {},
        "audit": {
            "checks": [passed("no_oversell", "312 products"), passed("one_order_per_key", "12,638 keys")]
        },
        "counters": {"error": "the target has no /metrics"},
        "stages": [],
        "seconds": [second(place) for place in range(SECONDS)],
        "races": [],
        "events": [
            {"name": "depleted", "at": iso(START + 12.4), "product_id": 1009},
            {"name": "restocked", "at": iso(START + 14.9), "product_id": 1009, "units": 20},
            {
                "name": "api_restarted",
                "at": iso(START + 29.2),
                "last_look": iso(START + 28),
                "address": "api:8000",
            },
        ],
        "machine": {
            **{"cores": 2, "memory_mb": 7_950, "generator_shares_cores": True, "python": "3.14.1"},
            **{"locust": "2.47.0", "kernel": "6.12.0"},
        },
        "samples": {
            "api": [api(place) for place in range(SECONDS)],
            "postgres": [postgres(place) for place in range(SECONDS)],
            "master": [generator(place, 6) for place in range(SECONDS)],
            "workers": {
                "1-a1b2c3": [generator(place, 42) for place in range(SECONDS)],
                "2-d4e5f6": [generator(place, 39) for place in range(SECONDS)],
            },
        },
        "statements": [],
        "clocks": {"1-a1b2c3": {"offset_ms": 0.2, "uncertainty_ms": 0.4}},
        "hub_lag": {"1-a1b2c3": {"p99_ms": 1.3, "max_ms": 6.1}},
        "targets": [],
    }
    return {**facts, **changes}


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def passed(name: str, detail: str) -> Run:
    return {"name": name, "verdict": "PASS", "examined": 9, "count": 0, "detail": detail}


def error(**changes: Any) -> Run:
    """One kind of failure of one route."""
    told = {
        **{"method": "POST", "name": "/orders/", "error": "CatchResponseError('POST /orders/: 500')"},
        **{"occurrences": 41, "first_at": iso(START + 30), "last_at": iso(START + 33)},
        "sample": {"status": 500, "body": '{"title": "Internal Server Error"}', "request_id": "f3b1-77"},
    }
    return {**told, **changes}


def target(name: str, limit: float, actual: float) -> Run:
    """A limit of a time, in ms, and what was measured."""
    return {
        **{"text": f"{name} < {limit:g}ms", "name": name, "column": 1, "kind": "time", "routes": ""},
        **{"operator": "<", "limit": limit, "unit": "ms", "optional": False, "aborted": False},
        "measured": {"actual": actual, "count": 38_900, "detail": "of 38,900 requests"},
    }


def window() -> Run:
    start, end = START + RAMP, START + SECONDS - DRAIN
    products = figures(19_400, 3.1)
    return {
        **{"start": start, "end": end, "seconds": end - start, "rps": 748.2},
        "by_method": {"GET": figures(27_000, 3.4), "POST": figures(11_900, 9.8)},
        "total": figures(38_900, 5.2),
        "routes": [
            {"method": "GET", "name": "/products/", **products},
            {"method": "GET", "name": "/products/{id}", **figures(7_600, 3.3)},
            {"method": "POST", "name": "/orders/", **figures(11_900, 9.8)},
        ],
    }


def figures(requests: int, middle: float) -> Run:
    return {
        **{"requests": requests, "failures": 0, "avg_ms": round(middle * 1.3, 2), "p50_ms": middle},
        **{"p95_ms": middle * 4, "p99_ms": middle * 9, "max_ms": 2_010.0},
        "from_start": {"p50_ms": middle, "p95_ms": middle * 5, "p99_ms": 1_720.0, "max_ms": 2_050.0},
    }


def second(place: int) -> Run:
    """Some requests, with the time they took."""
    is_frozen = place in FREEZE
    share = min(place / RAMP, 1.0) if place < SECONDS - DRAIN else 0.0
    requests = 0 if is_frozen else round(750 * share * (1 + 0.04 * sin(place)))
    ordered = requests * 2 // 7
    row: Run = {
        **{"second": START + place, "users": round(200 * share), "workers": 2},
        **{"requests": requests, "failures": 0, "outcomes": {}},
        **dict.fromkeys(("p50_ms", "p95_ms", "p99_ms", "from_start_p99_ms")),
    }
    if requests:
        slow = 40.0 if place == FREEZE.stop else 1.0
        row["outcomes"] = {"200": requests - ordered - 11, "201": ordered, "409": 11}
        row |= {"p50_ms": 3.2, "p95_ms": 14.0 + sin(place), "p99_ms": (31 + 6 * sin(place * 2)) * slow}
        row["from_start_p99_ms"] = row["p99_ms"] + (900 if place == FREEZE.stop else 2)
    return row


def api(place: int) -> Run:
    return {
        **{"second": START + place, "cpu_percent": 61 + 7 * sin(place / 2), "cpu_limit_cores": None},
        **{"memory_mb": 182 + place / 10, "memory_limit_mb": 512, "throttled_percent": 0.0},
        **{"in_flight": 3, "waiting": 0, "pool_in_use": 3, "pool_size": 16, "pool_waits": 0},
    }


def postgres(place: int) -> Run:
    return {
        **{"second": START + place, "cpu_percent": 38 + 5 * sin(place / 3), "cpu_limit_cores": None},
        **{"memory_mb": 140 + place, "memory_limit_mb": None, "throttled_percent": None},
        "connections": {"active": 3 + place % 2, "idle": 13, "idle in transaction": place % 3},
        **{"max_connections": 100, "waits": {"Lock:transactionid": place % 2, "IO:WalSync": 1}},
        **{"commits": 260, "rollbacks": 11, "deadlocks": 0, "locks_waiting": place % 2},
        **{"cache_hit_percent": 99.9, "size_mb": 12.4 + place / 20},
    }


def generator(place: int, cpu_percent: float) -> Run:
    return {
        **{"second": START + place, "cpu_percent": cpu_percent + 4 * sin(place), "cpu_limit_cores": 1.0},
        **{"memory_mb": 96.0, "memory_limit_mb": None, "throttled_percent": 0.0},
        **{"hub_lag_ms": 1.2 + sin(place), "hub_lag_p99_ms": 0.9, "reports_late": 0},
    }
