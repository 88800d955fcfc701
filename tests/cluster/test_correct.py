"""CORRECT, from the command line: a race on a healthy shop, and one whose worker is killed."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from tests.checkout import Checkout, wait_until

RACE = ("SCENARIO=LastItemRace", "USERS=40", "SPAWN_RATE=40", "RUN_TIME=12s")


def judged(checkout: Checkout) -> dict[str, Any]:
    """verdict.json of the newest run."""
    verdict: dict[str, Any] = json.loads(
        (checkout.folder / "results" / "latest" / "verdict.json").read_text()
    )
    return verdict


def check(part: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in part["checks"] if each["name"] == name)
    return dict(found)


@pytest.mark.long
def test_in_a_race_for_the_last_items_five_win(checkout: Checkout) -> None:
    """Round after round, over two workers; a scenario that nobody knows is refused with those there are.

    A worker that is held up sits a round out: such a round is not whole.
    """
    assert checkout.make("up", "WORKERS=2", "RUNTIME=local").returncode == 0
    refused = checkout.rig("headless", "SCENARIO=Marathon")
    assert refused.returncode == 2
    assert "there is no scenario 'Marathon': choose all or one of BulkOperations" in refused.stdout

    done = checkout.trusted_run(*RACE)
    assert done.returncode == 0, done.stdout
    races = checkout.latest_run()["races"]
    assert all(race["winners"] <= 5 for race in races)
    whole = [race for race in races if race["shots"] == 40]
    assert {(race["winners"], race["racers"]) for race in whole} == {(5, 40)}
    correct = judged(checkout)["correct"]
    assert correct["verdict"] == "PASS"
    assert check(correct, "no_undersell")["examined"] >= len(whole) >= max(3, len(races) / 2)
    assert checkout.make("down").returncode == 0


@pytest.mark.long
def test_a_killed_worker_is_named_and_the_rest_is_decided(checkout: Checkout, engine: None) -> None:  # noqa: ARG001
    """What it had not reported is in doubt; what the others were told is not."""
    assert checkout.make("up", "WORKERS=2", "RUNTIME=compose").returncode == 0
    container = checkout.run("docker", "compose", "ps", "--quiet", "worker").stdout.split()[0]
    run = threading.Thread(target=checkout.rig, args=("headless", *RACE))
    run.start()
    wait_until(lambda: checkout.get("/stampede/run")["phase"] == "window", "the race")
    assert checkout.run("docker", "kill", container).returncode == 0
    run.join()
    verdict = judged(checkout)
    assert verdict["correct"]["verdict"] == "PASS"
    reported, counted = (
        check(verdict["valid"], name) for name in ("workers_reported", "all_requests_counted")
    )
    assert (reported["verdict"], counted["verdict"]) == ("PASS", "PASS"), counted["detail"]
    assert container[:12] in reported["detail"]
    assert checkout.make("down").returncode == 0
