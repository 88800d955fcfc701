"""Messages that docs/ quotes are those that the code prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stampede.facts.verdict_json import Check
from stampede.report.plain_text import plain_text
from stampede.rig.snapshot import no_answer, snapshot
from stampede.verdict.kept_up import workers_on_time
from stampede.verdict.overload import overload
from stampede.verdict.requests_counted import all_requests_counted
from stampede.verdict.users_kept import users_kept
from stampede.verdict.verdict import verdict
from tests import runs
from tests.facts import facts
from tests.unit.rig.test_snapshot import RUN

NOON = 1_767_268_800
"""2026-01-01 12:00:00 UTC."""

COUNTED = {"POST /orders/": {"201": 61_530}}
LOST = {
    **{"name": "worker_lost", "at": NOON + 7.2, "worker": "3-ab12", "id": "host_ab12"},
    **{"last_report": NOON + 6.4, "at_most": 18},
}


def seconds(*users: int, target_users: int) -> dict[str, Any]:
    rows = [
        {"second": NOON + number, "users": there, "target_users": target_users}
        for number, there in enumerate(users)
    ]
    return {"seconds": rows, "window": {"start": NOON, "end": NOON + len(users)}, "profile": "ci"}


def lag() -> Check:
    worker = "1-6c3840"
    return workers_on_time(
        facts(
            hub_lag={worker: {"p99_ms": 18.0, "max_ms": 30.0, "own_p99_ms": 1.2}},
            ramp_lag={worker: {"p99_ms": 4.1, "max_ms": 5.0}},
            machine={"generator_shares_cores": True},
        )
    )


def counted(api: int, **changes: Any) -> Check:
    run = {"outcomes": {"POST /orders/": {"201": api}}, "counters": {"api": COUNTED}, **changes}
    return all_requests_counted(facts(**run))


def dip() -> Check:
    users = [200] * 7 + [150] * 2 + [200]
    return users_kept(facts(events=[LOST], **seconds(*users, target_users=200)))


def ended() -> Check:
    ended_users = [{"second": NOON, "cause": "KeyError at users.py:13", "users": 2}]
    return users_kept(facts(ended_users=ended_users, **seconds(8, 6, 6, target_users=8)))


def recovered() -> Check:
    stages = [
        {"users": users, "seconds": 30, "goodput": 900.0, "p95_ms": p95_ms, "same_work_ms": same_work_ms}
        for users, p95_ms, same_work_ms in ((200, 260.0, 0.25), (2000, 900.0, 0.25), (200, 330.0, 0.305))
    ]
    return overload(facts(users=2000, stages=stages, machine={"generator_shares_cores": True}))[-1]


@pytest.mark.parametrize(
    ("page", "check"),
    [
        ("valid", lag()),
        ("valid", dip()),
        ("valid", ended()),
        ("valid", counted(61_530)),
        ("valid", counted(61_512, events=[LOST], lost_workers=["host_ab12"])),
        ("targets", recovered()),
    ],
    ids=lambda each: each.name if isinstance(each, Check) else None,
)
def test_a_quoted_check_is_the_one_of_the_code(page: str, check: Check) -> None:
    assert check.detail in _words(page)


def test_the_quoted_silence_is_the_one_of_the_code() -> None:
    """In the summary, and on the console while the run is in progress."""
    start = 1_795_381_650
    event = {"name": "target_silent", "at": float(start), "facts": {"until": start + 5, "seconds": 5}}
    run = runs.run(events=[event])
    (line,) = [line for line in plain_text(run, verdict(run)).splitlines() if "No answer" in line]
    page = _words("report")
    assert f"`{line}`" in page
    in_progress = snapshot({**RUN, "silent_s": 5}, "smoke", "http://ui", 12.0, 60.0)
    assert f"`{no_answer(in_progress)}`" in page


def _words(page: str) -> str:
    """Return the text of a page in one line."""
    return " ".join(Path(f"docs/{page}.md").read_text().split())
