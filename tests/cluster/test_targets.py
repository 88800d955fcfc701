"""Targets decide how a run ends: refused, missed, or what ended it."""

from __future__ import annotations

import json
import time

import pytest

from tests.checkout import Checkout
from tests.cluster.test_leftovers import processes_of

LONG = 120.0
"""Seconds that the run would take."""


def test_what_cannot_be_read_is_refused_before_anything_starts(checkout: Checkout) -> None:
    """Exit code 2, and a mark under the mistake; through make too, which passes quotes and blanks on."""
    for done in (checkout.rig("headless", "TARGETS=p95 << 3"), checkout.make("headless", "TARGETS=p95 << 3")):
        assert done.returncode == 2
        assert "stampede: TARGETS, column 5: '<<': " in done.stdout
        assert "\n    p95 << 3\n        ^\n" in done.stdout
        assert "Starting" not in done.stdout
    assert processes_of(checkout.folder) == []


@pytest.mark.long
def test_a_target_that_is_missed_ends_the_run_where_it_says_so(checkout: Checkout) -> None:
    """With exit code 10: it is judged by what it was, and all else of it can be trusted. What is optional is
    shown."""
    begun = time.monotonic()
    done = checkout.trusted_run(
        *("RUNTIME=local", "PROFILE=smoke", "WORKERS=1", f"RUN_TIME={LONG:.0f}s"),
        "TARGETS=p95 < 0.01ms for 3s, abort, errors < 1%, max < 0.01ms (optional)",
    )
    assert done.returncode == 10, done.stdout
    assert time.monotonic() - begun < LONG
    folder = checkout.folder / "results" / "latest"
    judged = json.loads((folder / "verdict.json").read_text())
    assert (judged["verdict"], judged["correct"]["verdict"], judged["fast"]["verdict"]) == (
        "FAIL",
        "PASS",
        "FAIL",
    )
    checks = {check["name"]: check for check in judged["fast"]["checks"]}
    assert [(check["verdict"], check.get("colour")) for check in checks.values()] == [
        *(("FAIL", "red"), ("PASS", "green"), ("NOT_ASKED", "red"), ("PASS", None))
    ]
    assert checks["p95 over any 3 s"]["aborted"] is True
    run = checkout.latest_run()
    assert run["aborted"].startswith("p95 < 0.01ms for 3s, abort: ")
    assert [event["name"] for event in run["events"]].count("target_aborted") == 1
