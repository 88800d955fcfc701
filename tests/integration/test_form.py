"""Locust's form in front of a real master with one worker: what begins, what goes on, what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gevent
import pytest
from locust.argument_parser import parse_options
from locust.web import WebUI

from stampede import webui
from stampede.plan.hosts import Hosts
from stampede.plan.profiles import Plan, Stage
from stampede.targets.parser import parse
from tests.integration.masters import Master, Shopper, with_driver
from tests.integration.speaking import speaking
from tests.integration.test_load import Script

HOST = "http://127.0.0.1:9"
IN_PROGRESS = "a run is in progress: wait for its end, or stop it in the browser"
STATED = "p95 < 300ms, errors < 1%"
PROFILES = """
[brief]
users = 3
spawn_rate = 3
run_time = "5s"
targets = ["rps > 1"]
"""
LONG = Plan("long", stages=(Stage(200, 100, 600),))


class Page:
    """Locust's page, somewhere in a browser."""

    def __init__(self, master: Master, results: Path) -> None:
        environment = master.environment
        environment.host, environment.profile = HOST, None
        environment.parsed_options = parse_options([])
        self.runner = master.runner
        self.ui = WebUI(environment, "127.0.0.1", 0, delayed_start=True)
        self.driver = with_driver(master, results)
        webui.add(self.ui, environment, self.driver, results / "profiles.toml", results)
        self._client = self.ui.app.test_client()

    def start(self, **changed: str) -> dict[str, Any]:
        """What the form to start sends, and what it is answered."""
        form = {"user_count": "50", "spawn_rate": "5", "host": HOST, "run_time": "", "profile": ""}
        return self._swarm({**form, "Targets": "", "Rate": "", **changed})

    def edit(self, **changed: str) -> dict[str, Any]:
        """What the form to edit a run sends: it has neither a host nor a run time."""
        return self._swarm({"user_count": "20", "spawn_rate": "5", "Targets": "", **changed})

    def reset(self) -> int:
        """The status of the answer."""
        status: int = self._client.post("/stats/reset").status_code
        return status

    def stop(self) -> None:
        """As the button does."""
        self._client.post("/stop")

    def _swarm(self, form: dict[str, str]) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.post("/swarm", data=form).json
        return answer

    def wait_for_users(self, users: int) -> None:
        """Until a run is to have so many."""
        self.wait_until(lambda: self.driver.current is not None and self.runner.target_user_count == users)

    def wait_until_it_stops(self) -> None:
        """The run that goes on."""
        self.wait_until(
            lambda: self.driver.current is not None and self.driver.current.phase not in ("ramp", "window")
        )

    def wait_for_the_verdict(self) -> None:
        """Until the run is over."""
        self.wait_until(lambda: not self.driver.in_progress)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Let the master go on until it is so."""
        with gevent.Timeout(10):
            while not condition():
                gevent.sleep(0.01)


@pytest.fixture
def master() -> Iterator[Master]:
    """Without a worker."""
    with closing(Master()) as made:
        yield made


@pytest.fixture
def page(master: Master, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """With one."""
    monkeypatch.setattr("sys.argv", ["locust"])  # it looks for its options there
    monkeypatch.setattr("locust.runners.HEARTBEAT_LIVENESS", 60)  # nobody sends any
    monkeypatch.setattr("stampede.run.driver.READY_TIMEOUT", 0.1)
    master.hears_ready("host_abc")
    page = Page(master, tmp_path / "results")
    yield page
    master.hears("host_abc", "quit")
    page.driver.shut_down(10)


def test_a_rate_is_a_run_with_a_plan(page: Page) -> None:
    """Its users send at the rate, its targets are the form's, and it cannot be edited."""
    answer = page.start(Rate="30.5", run_time="60", Targets=STATED)
    assert answer == {"success": True, "message": "50 users send 30.5 requests/s", "host": HOST}
    page.wait_for_users(50)
    run = page.driver.current
    assert run
    assert run.plan
    assert (run.plan.pace, run.plan.duration, run.plan.targets) == (30.5, 60, parse(STATED))
    assert page.edit() == {"success": False, "message": IN_PROGRESS, "host": HOST}


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"Rate": "30"}, "a rate needs a run time: fill in the field Run time"),
        ({"Rate": "fast", "run_time": "60"}, "Rate must be a number over 0, not 'fast'"),
        ({"Rate": "-3", "run_time": "60"}, "Rate must be a number over 0, not '-3'"),
        ({"Rate": "nan", "profile": "brief"}, "Rate must be a number over 0, not 'nan'"),
    ],
)
def test_a_rate_that_cannot_be_sent_is_refused(page: Page, changed: dict[str, str], complaint: str) -> None:
    assert page.start(**changed) == {"success": False, "message": complaint, "host": HOST}


def test_a_rate_overrides_a_profiles(page: Page, tmp_path: Path) -> None:
    """Its targets stay, except for those on rates, which are scaled where the profile has a rate."""
    (tmp_path / "results").mkdir(exist_ok=True)
    (tmp_path / "results" / "profiles.toml").write_text(PROFILES)
    with speaking("HTTP/1.1 200 OK\r\n") as host:
        assert page.start(profile="brief", host=host, Rate="7")["success"]
    page.wait_for_users(3)
    run = page.driver.current
    assert run
    assert run.plan
    assert (run.plan.pace, run.plan.targets) == (7, parse("rps > 1"))


def test_the_rate_of_a_run_cannot_be_edited(page: Page) -> None:
    assert page.start()["success"]
    page.wait_for_users(50)
    assert page.edit(Rate="5")["message"].startswith("the rate of a run cannot be changed")


def test_the_forms_numbers_are_a_run_that_can_be_edited(page: Page) -> None:
    """Its users: Locust's own."""
    assert page.start()["success"]
    page.wait_for_users(50)
    run = page.driver.current
    assert page.edit()["success"]
    page.wait_for_users(20)
    assert page.driver.current is run


@pytest.mark.parametrize("sent", ["start", "edit"])
def test_a_run_of_a_plan_is_not_changed(page: Page, sent: str) -> None:
    """Neither by a page that was opened before it and offers Start, nor by one that shows it: its verdict
    would be of users it never had, and of another host."""
    page.driver.start(LONG, HOST)
    changes = {"host": "http://other:9"} if sent == "start" else {}
    about_to_begin = getattr(page, sent)(**changes)
    page.wait_for_users(200)
    going_on = getattr(page, sent)(**changes)
    gevent.sleep(0)
    assert {answer["message"] for answer in (about_to_begin, going_on)} == {IN_PROGRESS}
    assert page.runner.target_user_count == 200
    assert page.runner.environment.host == HOST


def test_a_run_of_the_form_is_not_started_again(page: Page) -> None:
    """By a page that was opened before it."""
    page.start()
    page.wait_for_users(50)
    assert page.start(user_count="7", run_time="1s")["message"] == IN_PROGRESS
    assert page.runner.target_user_count == 50


def test_a_shape_of_the_locustfile_sets_the_load(page: Page) -> None:
    """Its page sends 0 for the numbers, whose fields are disabled."""
    page.runner.environment.shape_class = Script((3, 1e6), (3, 1e6), (3, 1e6))
    answer = page.start(user_count="0", spawn_rate="0", host=HOST)
    assert (answer["success"], answer["message"]) == (True, "the shape Script sets the load")
    page.wait_for_users(3)
    assert page.driver.current
    assert page.driver.current.plan
    assert page.driver.current.plan.shape == "Script"
    page.driver.shut_down(10)


def test_a_shape_that_ends_at_once_is_refused_in_the_form(page: Page) -> None:
    page.runner.environment.shape_class = Script(None)
    assert page.start(user_count="0", spawn_rate="0", host=HOST)["message"].startswith("Script.tick() ends")
    assert not page.driver.in_progress


def test_the_locustfiles_own_arguments_are_those_of_the_form(page: Page) -> None:
    """With a profile, too; the engine's own options are not for the form."""
    options = page.runner.environment.parsed_options
    options.wallet, options.dry, options.stampede_run_id = 7, False, "run"
    page.start(profile="none", wallet="8", dry="true", stampede_run_id="another")
    assert (options.wallet, options.dry, options.stampede_run_id) == (8, True, "run")


def test_nothing_begins_while_the_last_run_is_audited(page: Page) -> None:
    """The figures of both would be mixed."""
    page.start()
    page.wait_for_users(50)
    page.stop()
    for answer in (page.start(), page.edit()):
        assert answer["message"] == "the audit of the last run is in progress: try again in a moment"


def test_nothing_begins_without_a_worker(page: Page, master: Master) -> None:
    """Locust would say that it has."""
    master.hears("host_abc", "quit")
    assert "no worker has joined yet" in page.start()["message"]


def test_nothing_begins_without_a_host(page: Page) -> None:
    """Where the field was emptied; what stood in it is named, and stays."""
    assert HOST in page.start(host="")["message"]
    assert page.runner.environment.host == HOST


def test_the_host_of_the_class_counts_where_the_cluster_has_none(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An emptied field is refused, and the message has that host; a program may leave the field out."""
    monkeypatch.setattr(Shopper, "host", "http://mine:9", raising=False)
    environment = page.runner.environment
    environment.host = None
    page.driver.hosts = Hosts(environment)
    assert "http://mine:9" in page.start(host="")["message"]
    assert page.edit()["success"]  # it has no host, and no run is in progress: that is a start
    assert environment.host == "http://mine:9"


def test_nothing_begins_that_could_leave_no_results(page: Page, tmp_path: Path) -> None:
    """As for a plan."""
    (tmp_path / "results").touch()
    assert "cannot be written" in page.start()["message"]


def test_the_verdict_does_not_rest_on_the_figures_that_the_page_resets(page: Page) -> None:
    """Locust's own statistics are for its own pages."""
    page.start()
    page.wait_for_users(50)
    page.driver.counts.count("POST", "/orders/", response_time=1.0, exception="500")
    assert page.reset() == 200
    page.stop()
    page.wait_for_the_verdict()
    assert page.driver.folder
    known = page.driver.folder.facts
    assert (known.requests, known.failures, len(known.errors)) == (1, 1, 1)


def test_a_run_takes_its_end_with_it(page: Page, master: Master) -> None:
    """One whose last worker has gone ended before its time, which is not to end the next."""
    page.start(run_time="1s")
    page.wait_for_users(50)
    master.hears("host_abc", "quit")
    page.wait_for_the_verdict()
    master.hears_ready("host_abc")
    page.driver.start(Plan("brief", stages=(Stage(2, 2, 1.5),)), HOST)
    page.wait_for_users(2)
    users = {"user_classes_count": {"Shopper": 2}, "user_count": 2}
    master.hears("host_abc", "spawning_complete", users)  # the time of the run counts from the first user
    page.wait_until_it_stops()
    assert page.driver.current
    assert page.driver.current.as_planned


@pytest.mark.parametrize(("at_the_start", "in_the_edit"), [("1s", ""), ("1h", "1s")])
def test_a_run_that_is_edited_ends_all_the_same(page: Page, at_the_start: str, in_the_edit: str) -> None:
    """Unless a program says another end: the form has no field for it."""
    page.start(run_time=at_the_start)
    page.wait_for_users(50)
    assert page.edit(run_time=in_the_edit)["success"]
    page.wait_until_it_stops()


@pytest.mark.parametrize(
    "changed", [{"spawn_rate": "0"}, {"spawn_rate": "inf"}, {"user_count": "-1"}, {"user_count": ""}]
)
def test_an_edit_that_makes_no_sense_leaves_the_ramp_alone(
    page: Page, master: Master, changed: dict[str, str]
) -> None:
    """Locust refuses it too, and no user would come any more."""
    page.start(spawn_rate="100")
    page.wait_until(lambda: ("host_abc", "spawn") in master.told)
    assert "must be a whole number, the ramp up a number over 0" in page.edit(**changed)["message"]
    master.told.clear()
    master.hears("host_abc", "spawning_complete", {"user_classes_count": {"Shopper": 1}, "user_count": 1})
    page.wait_until(lambda: ("host_abc", "spawn") in master.told)


def test_targets_are_judged_in_a_run_of_the_forms_numbers(page: Page) -> None:
    """Such a run has no plan, and its users may be edited. The next run has targets of its own."""
    assert page.start(Targets=STATED)["success"]
    page.wait_for_users(50)
    assert page.edit()["success"]
    page.wait_for_users(20)
    page.stop()
    page.wait_for_the_verdict()
    assert page.driver.folder
    assert [each.target for each in page.driver.folder.facts.targets] == list(parse(STATED))
    page.start()
    page.wait_until(lambda: page.driver.in_progress)
    assert page.driver.current
    assert page.driver.current.stated_targets == ()


@pytest.mark.parametrize("load", ["numbers", "profile", "shape"])
def test_targets_that_cannot_be_parsed_are_refused_with_the_parsers_message(
    page: Page, tmp_path: Path, load: str
) -> None:
    (tmp_path / "results").mkdir(exist_ok=True)
    (tmp_path / "results" / "profiles.toml").write_text(PROFILES)
    if load == "shape":
        page.runner.environment.shape_class = Script((3, 1e6))
    answer = page.start(Targets="p95 << 3", profile="brief" if load == "profile" else "")
    assert not answer["success"]
    assert answer["message"].startswith("TARGETS, column 5: '<<': a comparison was expected")
    assert not page.driver.in_progress


@pytest.mark.parametrize(("stated", "judged"), [(STATED, STATED), (" ", "rps > 1")])
def test_targets_of_the_form_override_those_of_the_profile(
    page: Page, tmp_path: Path, stated: str, judged: str
) -> None:
    """The load is the profile's, and the response states that the form's numbers are ignored."""
    (tmp_path / "results").mkdir(exist_ok=True)
    (tmp_path / "results" / "profiles.toml").write_text(PROFILES)
    with speaking("HTTP/1.1 200 OK\r\n") as host:
        answer = page.start(profile="brief", host=host, Targets=stated)
    assert answer["message"] == "'brief': 3 users, 5 s; the form's own numbers are ignored"
    page.wait_for_users(3)
    assert page.driver.current
    assert page.driver.current.stated_targets == parse(judged)


def test_targets_apply_to_a_shape(page: Page) -> None:
    page.runner.environment.shape_class = Script((3, 1e6), (3, 1e6), (3, 1e6))
    assert page.start(user_count="0", spawn_rate="0", Targets=STATED)["success"]
    page.wait_for_users(3)
    assert page.driver.current
    assert page.driver.current.stated_targets == parse(STATED)
    page.driver.shut_down(10)


def test_the_targets_of_a_run_are_not_edited(page: Page) -> None:
    """They are stated before the run. The dialog sends them again, or nothing from a page opened before."""
    page.start(Targets=STATED)
    page.wait_for_users(50)
    assert "the targets of a run cannot be changed" in page.edit(Targets="p95 < 9s")["message"]
    assert page.edit(Targets=STATED)["success"]
    assert page.edit()["success"]


def test_a_profile_that_is_not_in_the_file_is_refused(page: Page, tmp_path: Path) -> None:
    """Locust's own field for profiles takes any text."""
    (tmp_path / "results").mkdir(exist_ok=True)
    (tmp_path / "results" / "profiles.toml").write_text(PROFILES)
    assert page.start(profile="heavier")["message"] == "there is no profile 'heavier': choose one of brief"
    assert not page.driver.in_progress
