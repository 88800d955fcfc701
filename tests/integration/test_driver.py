"""Runs of a real master: how they begin, where results cannot be written, whose workers leave at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gevent
import pytest
from locust import User, constant
from locust.dispatch import UsersDispatcher

from stampede.counting.counts import Counts
from stampede.counting.names import MOST_NAMES
from stampede.facts.run_json import Audit
from stampede.plan.profiles import Plan, Stage, shaped
from stampede.run.driver import Driver, RunError
from stampede.run.results import RunFolder, facts
from stampede.run.results_folder import ResultsFolder
from stampede.run.run import Run
from tests.integration.masters import Master, with_driver
from tests.integration.test_load import Script
from tests.unit.counted import empty_report


@pytest.fixture
def own() -> Iterator[Master]:
    """With one worker."""
    with closing(Master()) as made:
        made.hears_ready("host_abc")
        yield made


@pytest.fixture
def driver(own: Master, tmp_path: Path) -> Driver:
    """One whose results are to be in what is a file."""
    file = tmp_path / "results"
    file.touch()
    return with_driver(own, file)


def test_who_asks_for_a_run_without_results_is_told_why_not(driver: Driver, tmp_path: Path) -> None:
    """Before anything starts."""
    plan = Plan("smoke", stages=(Stage(1, 1, 1),))
    with pytest.raises(RunError, match=f"{tmp_path}/results/ cannot be written: "):
        driver.start(plan, "http://127.0.0.1:9")
    assert not driver.in_progress


def test_a_dispatcher_of_the_locustfile_is_refused(own: Master, tmp_path: Path) -> None:
    """It would distribute the users by other rules, and lose those of a worker that leaves."""
    driver = with_driver(own, tmp_path)
    own.environment.dispatcher_class = UsersDispatcher
    with pytest.raises(RunError, match=r"environment\.dispatcher_class = UsersDispatcher: remove it"):
        driver.start(Plan("smoke", stages=(Stage(1, 1, 1),)), "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("tick", "reason"),
    [((2,), r"Script\.tick\(\) must return"), (None, r"Script\.tick\(\) ends the run at once")],
)
def test_a_shape_that_cannot_begin_is_refused(own: Master, tmp_path: Path, tick: object, reason: str) -> None:
    own.environment.shape_class = Script(tick)
    plan = shaped(Plan("smoke", stages=(Stage(1, 1, 1),)), "Script", {})
    with pytest.raises(RunError, match=reason):
        with_driver(own, tmp_path).start(plan, "http://127.0.0.1:9")


def test_the_pace_is_that_of_the_classes_after_the_listeners_of_the_start(
    own: Master, tmp_path: Path
) -> None:
    """Twice the weight of those who wait twice as long: their pace is another."""
    quick = type("Quick", (User,), {"wait_time": constant(1), "weight": 1})
    slow: Any = type("Slow", (User,), {"wait_time": constant(2), "weight": 1})
    own.environment.user_classes = [quick, slow]
    driver = with_driver(own, tmp_path)
    plan = Plan("paced", (Stage(8, 1, 60),), pace=12.0)
    driver.current = Run("run", plan, time.time())
    assert driver.user_classes() == [quick, slow]
    options = vars(own.environment.parsed_options)
    assert options["stampede_pace_scale"] == pytest.approx(6 / 12)  # 4 users of each class: 4/s and 2/s
    slow.weight = 3
    driver.user_classes()
    assert options["stampede_pace_scale"] == pytest.approx(5 / 12)  # 2 and 6 users: 2/s and 3/s


def test_a_run_without_results_sends_nothing_and_is_over(
    driver: Driver, own: Master, caplog: pytest.LogCaptureFixture
) -> None:
    """Where they could be written when somebody asked, and cannot when it begins."""
    starting = gevent.spawn(own.runner.start, 5, 100)
    starting.join(10)
    assert driver.current
    assert (driver.current.phase, driver.in_progress) == ("done", False)
    assert {what for _worker, what in own.told} == {"ack", "stop"}
    (line,) = (record.message for record in caplog.records if record.levelname == "ERROR")
    assert line.endswith("/results/ cannot be written: Not a directory")


def test_names_that_are_counted_together_are_an_event_and_a_warning(
    driver: Driver, own: Master, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once in a run, with examples."""
    run = Run("run", None, time.time())
    folder = RunFolder(ResultsFolder(tmp_path, "test"), run, own.environment, driver.counts)
    driver.observers.begin(folder)
    for number in range(MOST_NAMES + 10):
        driver.counts.names.of("GET", f"/item/{number}")
        if number % 100 == 0 or number > MOST_NAMES:
            driver.observers.worker_reported("host_abc", empty_report())
    driver.observers.end(run)
    folder.stop_writing()
    (event,) = run.events
    assert event.name == "names_counted_together"
    assert event.facts == {"after_the_first": MOST_NAMES, "such_as": "GET /item/2000"}
    (line,) = (record.message for record in caplog.records if record.levelname == "WARNING")
    assert "after the first 2000 names, requests are counted as `other`, such as GET /item/2000" in line


def test_a_worker_that_leaves_before_it_has_done_anything_is_not_awaited(
    driver: Driver, own: Master, tmp_path: Path
) -> None:
    """It is an event of the run all the same."""
    run = Run("run", None, time.time())
    folder = RunFolder(ResultsFolder(tmp_path, "test"), run, own.environment, driver.counts)
    driver.observers.begin(folder)
    driver.observers.worker_changed("worker_left", "host_abc", None)
    driver.observers.end(run)
    folder.stop_writing()
    assert [event.name for event in run.events] == ["worker_left"]
    assert folder.ledger.close() == []


@pytest.mark.parametrize("by", [-15.0, 0.0, 15.0])
def test_it_is_known_how_far_the_clock_was_set(
    own: Master, monkeypatch: pytest.MonkeyPatch, by: float
) -> None:
    """As many seconds are missing in the window, or there twice."""
    right = time.time
    run = Run("run", None, right())
    monkeypatch.setattr(time, "time", lambda: right() + by)
    assert facts(run, own.environment, Counts()).clock_set_s == pytest.approx(by, abs=0.5)


def test_data_are_not_judged_before_they_are(
    own: Master, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first moment on: a run that is cut off then must not look as if nobody had asked."""
    monkeypatch.setattr("stampede.run.audit_process._registered", ("cat",))
    driver = Driver(own.environment, Counts(), ResultsFolder(tmp_path, "test"), None)
    driver.started()
    assert driver.folder
    assert driver.folder.facts.audit == Audit(error="there was no audit: the run was interrupted")
    driver.observers.worker_changed("worker_left", "host_abc", None)
    driver.stopping()
    driver.stopped()
    driver.shut_down(20)
    assert not driver.in_progress


def test_a_run_that_cannot_be_moved_to_results_keeps_its_files(
    own: Master, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged where they are, and the run is over."""
    driver = Driver(own.environment, Counts(), ResultsFolder(tmp_path, "test"), None)
    run_id, _ = driver.started()
    (tmp_path / run_id / "something else").mkdir(parents=True)
    driver.stopping()
    driver.stopped()
    driver.shut_down(20)
    assert not driver.in_progress
    folder = tmp_path / ".unfinished" / "test" / run_id
    assert (folder / "verdict.json").exists()
    assert f"its files stay in {folder}; the next start of the master judges them" in caplog.messages[-1]
