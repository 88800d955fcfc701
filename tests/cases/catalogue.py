"""The cases: for each the settings, and the right values as assertions. A case returns what it has seen."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import trustme

from tests.cases.attempt import INPUTS, Outcome, run
from tests.cases.echo import serving_echo
from tests.cases.server import serving
from tests.checkout import Checkout
from tests.held_up import by_the_machine

Case = Callable[[Checkout], Outcome]


@dataclass(frozen=True)
class Named:
    """A case, and the right value in words."""

    name: str
    right: str
    attempt: Case

    def assert_right(self, checkout: Checkout) -> Outcome:
        """Run the case, and again where the machine kept the run from being VALID. Raises AssertionError."""
        try:
            return self.attempt(checkout)
        except AssertionError:
            if not by_the_machine(checkout.folder / "results" / "latest"):
                raise
        return self.attempt(checkout)


CASES: list[Named] = []


def case(name: str, right: str) -> Callable[[Case], Case]:
    """Add a case to CASES."""

    def add(attempt: Case) -> Case:
        CASES.append(Named(name, right, attempt))
        return attempt

    return add


def _passed(outcome: Outcome, code: int = 0) -> Outcome:
    """The run counted what its API has served, can be trusted, and has this exit code."""
    assert outcome.code == code, outcome.output
    assert outcome.verdict["valid"]["verdict"] == "PASS", outcome.output
    assert outcome.counts_agree(), (outcome.run["requests"], outcome.served)
    return outcome


def _users(outcome: Outcome) -> list[tuple[int, int]]:
    """The numbers of users one after the other, each with its seconds."""
    seconds = outcome.run["seconds"]
    return [(users, len([*rows])) for users, rows in groupby(seconds, key=lambda row: row["users"])]


# Users that end themselves, and the exceptions that end them.


@case(
    "01-on-start-raises", "exceptions FAIL with file and line; users_kept says what ended the users; exit 10"
)
def on_start_raises(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "01-on-start-raises/users.py", api)
    return _ended_by_exceptions(outcome, "users.py:13", "KeyError")


@case("01b-on-start-raises", "the same where every user is ended; exit 10")
def every_on_start_raises(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "01-on-start-raises/all.py", api)
    return _ended_by_exceptions(outcome, "all.py:8", "KeyError")


@case("31-init-raises", "exceptions FAIL with file and line; exit 10")
def init_raises(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "31-init-raises/users.py", api)
    return _ended_by_exceptions(outcome, "users.py:13", "RuntimeError")


@case("31b-no-super", "exceptions FAIL that says what the constructor forgot; exit 10")
def no_super(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "31-init-raises/no_super.py", api, RUN_TIME="5s")
    assert outcome.check("fast", "exceptions")["verdict"] == "FAIL"
    assert "forgot to call the base constructor" in outcome.output
    assert outcome.code == 10, outcome.output
    return outcome


@case("31c-listener-raises", "an exception in a listener of the locustfile is one of its exceptions; exit 10")
def listener_raises(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "31-init-raises/listener.py", api, RUN_TIME="5s")
    _passed(outcome, code=10)
    assert outcome.check("fast", "exceptions")["count"] == 3, "on the master and on two workers"
    assert "FileNotFoundError at listener.py:15" in outcome.output
    return outcome


@case("33b-wait-time-raises", "exceptions FAIL with file and line; exit 10")
def wait_time_raises(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "33-odd-waits/raises.py", api)
    return _ended_by_exceptions(outcome, "raises.py:8", "ZeroDivisionError")


@case("19b-assert-ends-a-user", "exceptions FAIL that names the line; exit 10")
def pytest_user_fails(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "19-pytest-style/test_failing.py", api)
    return _ended_by_exceptions(outcome, "test_failing.py:8", "wrong body")


def _ended_by_exceptions(outcome: Outcome, line: str, error: str) -> Outcome:
    _passed(outcome, code=10)
    exceptions = outcome.check("fast", "exceptions")
    assert exceptions["verdict"] == "FAIL"
    assert exceptions["count"] == sum(each["count"] for each in outcome.run["exceptions"]) > 0
    assert line in outcome.output
    assert error in outcome.output
    assert "exception" in outcome.check("valid", "users_kept")["detail"]
    return outcome


@case("05-stop-user", "a user that ends itself is an event, not a lost user; exit 0")
def stop_user(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "05-stop-user/users.py", api)
    _passed(outcome)
    assert outcome.run["requests"] == 8 * 15
    assert "StopUser" in outcome.check("valid", "users_kept")["detail"]
    assert "users_ended" in outcome.events
    return outcome


@case("21-user-quits-worker", "the quit is an event with its cause")
def user_quits_worker(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "21-user-quits-worker/users.py", api)
    return _locustfile_ended(outcome, "runner.quit()")


@case("36-stop-test", "the stop is an event with its cause")
def stop_test(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "36-stop-test/users.py", api)
    return _locustfile_ended(outcome, "the account is blocked")


def _locustfile_ended(outcome: Outcome, cause: str) -> Outcome:
    _passed(outcome)
    (event,) = [each for each in outcome.run["events"] if each["name"] == "locustfile_stopped"][:1]
    assert cause in json.dumps(event)
    assert cause in outcome.check("valid", "came_to_its_end")["detail"]
    return outcome


@case("04-quit-on-failures", "the quit is an event with its cause; failures make it FAIL; exit 10")
def quit_on_failures(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "04-quit-on-failures/users.py", api)
    _passed(outcome, code=10)
    assert "locustfile_stopped" in outcome.events
    assert outcome.check("fast", "failures")["verdict"] == "FAIL"
    return outcome


@case("04b-quit-at-start", "a quit by a listener of test_start ends the run at once, as an event")
def quit_at_start(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "04-quit-on-failures/at_start.py", api, RUN_TIME="1m")
    assert "locustfile_stopped" in outcome.events
    assert "runner.quit() at at_start.py:17" in outcome.check("valid", "came_to_its_end")["detail"]
    assert len(outcome.run["seconds"]) < 20
    return outcome


# The load that the locustfile wants.


@case("02-load-shape", "the users follow the shape: 2, then 8, the end after 14 s; targets cover all of it")
def load_shape(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "02-load-shape/users.py", api, TARGETS="p95 < 1s", USERS="4", RUN_TIME="1m")
    _passed(outcome)
    two, eight = (dict(_users(outcome)).get(users, 0) for users in (2, 8))
    assert 6 <= two <= 8, _users(outcome)
    assert 6 <= eight <= 8, _users(outcome)
    assert 12 <= outcome.run["window"]["seconds"] <= 15
    assert outcome.run["window"]["total"]["requests"] >= outcome.run["requests"] - 8
    assert "USERS" in outcome.output
    return outcome


@case("20-parsed-options", "parsed_options on the master are the run's own: 6, 3 and 12")
def parsed_options(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "20-parsed-options/users.py", api, USERS="6", SPAWN_RATE="3", RUN_TIME="12s")
    _passed(outcome)
    log = (checkout.folder / ".local" / "log" / "master.log").read_text()
    assert "users 6 rate 3.0 time 12" in log, log
    assert outcome.served["GET /mine/10"] == outcome.run["requests"]
    return outcome


@case("24-slow-start", "RUN_TIME counts from the first user")
def slow_start(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "24-slow-start/users.py", api, RUN_TIME="10s")
    assert outcome.code == 0, outcome.output
    seconds_with_users = sum(row["users"] > 0 for row in outcome.run["seconds"])
    assert 9 <= seconds_with_users <= 12, _users(outcome)
    return outcome


@case("24b-blocked-worker", "a worker that is blocked at the start is not lost, and named as blocked")
def blocked_worker(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "24-slow-start/blocking.py", api)
    assert outcome.code == 0, outcome.output
    assert outcome.counts_agree()
    assert outcome.events == ["worker_blocked", "worker_blocked"]
    return outcome


@case("33-odd-waits", "waits, weights and fixed counts of any kind hold")
def odd_waits(checkout: Checkout) -> Outcome:
    with serving() as api:
        return _passed(run(checkout, "33-odd-waits/users.py", api))


@case("33c-no-wait", "a class without a wait_time holds")
def no_wait(checkout: Checkout) -> Outcome:
    with serving() as api:
        return _passed(run(checkout, "33-odd-waits/none.py", api))


@case("19-long-task", "no request that was sent after the stop is in the window")
def long_task(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "19-pytest-style/long_task.py", api)
    assert outcome.code == 0, outcome.output
    assert outcome.counts_agree()
    assert outcome.run["window"]["total"]["requests"] <= 270
    return outcome


@case("19c-pytest-style", "functions test_… are users; exit 0")
def pytest_style(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "19-pytest-style/test_shop.py", api)
    assert outcome.code == 0, outcome.output
    assert outcome.counts_agree()
    return outcome


@case("19d-restless", "requests that are sent after the stop and cut off have not failed; exit 0")
def restless(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "19-pytest-style/test_restless.py", api, RUN_TIME="4s", USERS="2")
    assert outcome.run["failures"] == 0, outcome.output
    assert outcome.run["window"]["total"]["requests"] < outcome.run["requests"] / 2
    return outcome


# What is counted.


@case("03-own-exit-code", "a check of FAST names the locustfile's exit code; exit 10")
def own_exit_code(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "03-own-exit-code/users.py", api)
    _passed(outcome, code=10)
    check = outcome.check("fast", "locustfile_exit_code")
    assert (check["verdict"], check["actual"]) == ("FAIL", 1)
    return outcome


@case("07-reset-after-ramp", "FAIL with every failure of the run, whatever the locustfile resets; exit 10")
def reset_after_ramp(checkout: Checkout) -> Outcome:
    with serving(fail_first=4.0) as api:
        outcome = run(checkout, "07-reset-after-ramp/users.py", api, SPAWN_RATE="2")
    return _failures_counted(outcome)


@case("07b-reset-every-2-s", "FAIL with every failure of the run; exit 10")
def reset_every_second(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "07-reset-after-ramp/every_second.py", api)
    _failures_counted(outcome)
    assert outcome.run["failures"] == outcome.served["GET /status/500"]
    return outcome


def _failures_counted(outcome: Outcome) -> Outcome:
    _passed(outcome, code=10)
    assert outcome.run["failures"] > 0
    assert outcome.run["failures"] == sum(error["occurrences"] for error in outcome.run["errors"])
    assert outcome.check("fast", "failures")["count"] == outcome.run["failures"]
    return outcome


@case("16-many-names", "each request is counted, whatever its name")
def many_names(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "16-many-names/users.py", api, SPAWN_RATE="8")
    assert outcome.code in (10, 12), outcome.output
    assert outcome.counts_agree()
    assert outcome.run["failures"] == sum(error["occurrences"] for error in outcome.run["errors"])
    return outcome


@case("25-logout", "what users send in on_stop is counted")
def logout(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "25-logout/users.py", api)
    _passed(outcome)
    assert outcome.served["DELETE /quick/2"] == outcome.served["DELETE /quick"] == 4
    return outcome


@case("28-redirect-name", "redirects count as Locust counts them; an endless one fails")
def redirects(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(
            checkout,
            "28-redirect-name/users.py",
            api,
            edits={"19080": str(api.port)},
            ALLOW_TARGETS="localhost",
        )
    assert outcome.code == 10, outcome.output
    failed = {error["name"] for error in outcome.run["errors"]}
    assert failed == {"loop (fast)"}, outcome.run["errors"]
    return outcome


@case(
    "30-http-features", "every request is counted as the server counts it; a task's own error is an exception"
)
def http_features(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "30-http-features/users.py", api)
    assert outcome.run["failures"] == 0, outcome.output
    assert outcome.counts_agree()
    assert outcome.check("fast", "exceptions")["verdict"] == "FAIL"  # `with` without catch_response
    assert "LocustError at users.py:22" in outcome.output
    return outcome


@case("30b-http-failures", "every broken answer is a failure, and the run is FAIL; exit 10")
def http_failures(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "30-http-features/failing.py", api)
    assert outcome.code == 10, outcome.output
    assert outcome.run["failures"] == outcome.run["requests"]
    return outcome


@case("37-forgotten-with", "a warning for each name; VALID names requests that were never reported")
def forgotten_with(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "37-forgotten-with/users.py", api)
    unreported = outcome.check("valid", "all_responses_reported")
    assert unreported["verdict"] == "UNKNOWN"
    assert outcome.run["requests"] + unreported["count"] == outcome.served["*"]
    assert "forgotten with" in unreported["detail"]
    assert outcome.code == 12, outcome.output
    return outcome


@case("37b-rescheduled", "a request that RescheduleTask leaves out on purpose is not missed; exit 0")
def rescheduled(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "37-forgotten-with/rescheduled.py", api, RUN_TIME="5s")
    assert outcome.code == 0, outcome.output
    assert outcome.run["unreported"] == {}
    assert 0 < outcome.run["requests"] < outcome.served["*"]
    return outcome


@case("38-own-percentiles", "Locust's percentiles may be changed; exit 0")
def own_percentiles(checkout: Checkout) -> Outcome:
    with serving() as api:
        return _passed(run(checkout, "38-own-percentiles/users.py", api))


# How the locustfile finds what is its own.


@case("08-own-arguments", "arguments of its own work, also with the engine's former names; exit 0")
def same_name(checkout: Checkout) -> Outcome:
    with serving() as api:
        _passed(run(checkout, "08-own-arguments/same_name.py", api, RUN_TIME="5s"))
    with serving() as api:
        return _passed(run(checkout, "08-own-arguments/same_name2.py", api, RUN_TIME="5s"))


@case("08b-required-argument", "a required argument is given by LOCUST_ARGS=")
def required_argument(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(
            checkout, "08-own-arguments/required.py", api, RUN_TIME="5s", LOCUST_ARGS="--tenant acme"
        )
    _passed(outcome)
    assert outcome.served["GET /acme/mixed"] == outcome.run["requests"]
    return outcome


@case("09-relative-file", "a file next to the locustfile is opened by its name; exit 0")
def relative_file(checkout: Checkout) -> Outcome:
    with serving() as api:
        _passed(run(checkout, "09-relative-file/top.py", api, RUN_TIME="5s"))
    with serving() as api:
        return _passed(run(checkout, "09-relative-file/late.py", api, RUN_TIME="5s"))


@case("10-late-import", "what lies next to the locustfile can be imported at any time; exit 0")
def late_import(checkout: Checkout) -> Outcome:
    with serving() as api:
        return _passed(run(checkout, "10-late-import/users.py", api, RUN_TIME="5s"))


@case("10b-same-name", "a package of its own may be named like one of the project's; exit 0")
def same_package_name(checkout: Checkout) -> Outcome:
    with serving() as api:
        outcome = run(checkout, "10-late-import/same-names/users.py", api, RUN_TIME="5s")
    _passed(outcome)
    assert outcome.served["GET /list/mine"] == outcome.run["requests"]
    return outcome


@case("22-odd-paths", "a locustfile in a folder of any name runs; exit 0")
def odd_paths(checkout: Checkout) -> Outcome:
    for folder in ("Last & Tests 100% (ü)", "a,b", "c$HOME #1"):
        with serving() as api:
            outcome = _passed(run(checkout, "22-odd-paths/users.py", api, folder=folder, RUN_TIME="5s"))
    return outcome


@case("32-environment", "ENV_FILE= and TAGS= reach the users; the file's values are in no result; exit 0")
def environment(checkout: Checkout) -> Outcome:
    (checkout.folder / "shop.env").write_text("SHOP_TOKEN=s3cr3t\n")
    with serving() as api:
        outcome = run(
            checkout, "32-environment/users.py", api, RUN_TIME="5s", ENV_FILE="shop.env", TAGS="read"
        )
    _passed(outcome)
    assert outcome.served["GET /list/s3cr3t"] == outcome.run["requests"]
    return outcome


@case("35-dotenv", "the rig reads .env as Compose does")
def dotenv(checkout: Checkout) -> Outcome:
    folder = INPUTS / "35-dotenv"
    home = str(Path.home())
    wanted = {
        name: value.replace("<home>", home)
        for name, value in json.loads((folder / "expected.json").read_text()).items()
    }
    program = "import json; from pathlib import Path; from stampede.rig import dotenv; "
    program += f"print(json.dumps(dotenv.read(Path({str(folder / 'env')!r}))))"
    read = subprocess.run(
        [".venv/bin/python", "-c", program], cwd=checkout.folder, capture_output=True, text=True
    )
    assert json.loads(read.stdout) == wanted, read.stderr
    return Outcome(0, f"{len(wanted)} values", Counter(), {}, {})


# Where the users send.


@case("11-self-signed", "HTTPS with a certificate of its own: the run begins; exit 0")
def self_signed(checkout: Checkout) -> Outcome:
    with serving(certificate=_certificate(checkout)) as api:
        return _passed(run(checkout, "11-self-signed/users.py", api))


@case("26-no-head", "a server that drops HEAD: the run begins; exit 0")
def no_head(checkout: Checkout) -> Outcome:
    with serving(drops_head=True) as api:
        return _passed(run(checkout, "26-no-head/users.py", api))


@case("27-base-path", "HOST may have a path; exit 0")
def base_path(checkout: Checkout) -> Outcome:
    with serving(prefix="/api/v1") as api:
        outcome = run(checkout, "26-no-head/users.py", api, HOST=f"{api.url}/api/v1/")
    _passed(outcome)
    assert outcome.served["GET /api/v1/list"] == outcome.run["requests"]
    return outcome


@case("29-host-in-class", "without HOST= the load goes to the host of the class, none to the shop; exit 0")
def host_in_class(checkout: Checkout) -> Outcome:
    with serving() as api:
        edits = {"19080": str(api.port)}
        outcome = run(checkout, "29-host-in-class/users.py", api, edits=edits, HOST="")
    _passed(outcome)
    assert outcome.run["host"] == api.url
    return outcome


@case("29b-two-hosts", "two classes with two hosts: refused, or both get their own load")
def two_hosts(checkout: Checkout) -> Outcome:
    with serving() as shop, serving() as stock:
        edits = {"19080": str(shop.port), "19081": str(stock.port)}
        outcome = run(checkout, "29-host-in-class/two.py", shop, edits=edits, HOST="")
    assert outcome.code in (0, 2), outcome.output
    assert not outcome.run or outcome.run["requests"] == shop.served["*"] + stock.served["*"]
    return outcome


@case("34-no-http", "users that speak no HTTP: the run begins; exit 0")
def no_http(checkout: Checkout) -> Outcome:
    with serving_echo() as port:
        outcome = run(checkout, "34-no-http/users.py", None, HOST=f"http://127.0.0.1:{port}")
    assert outcome.code == 0, outcome.output
    assert outcome.run["failures"] == 0 < outcome.run["requests"]
    return outcome


# Only what was planned is sent, and only the run that was started is shown.


@case("14-home-config", "files and variables of Locust's own do not reach the cluster: only the planned run")
def home_config(checkout: Checkout) -> Outcome:
    home = INPUTS / "14-home-config" / "home"
    variables = {"HOME": str(home), "LOCUST_HEADLESS": "true", "LOCUST_AUTOSTART": "true"}
    variables |= {"LOCUST_WEB_BASE_PATH": "/locust", "LOCUST_USERS": "30", "LOCUST_RUN_TIME": "3s"}
    with serving() as api:
        outcome = run(checkout, "26-no-head/users.py", api, variables)
        _passed(outcome)
        assert api.served["*"] == outcome.run["requests"]
    assert outcome.most_users == 8
    return outcome


@case("39-compose-file", "COMPOSE_FILE of another project does not reach Compose; the first error is shown")
def compose_file(checkout: Checkout) -> Outcome:
    calls = checkout.folder / "docker.log"
    engine = INPUTS / "39-compose-file" / "fake-docker"
    variables = {"PATH": f"{engine}:/usr/bin:/bin", "DOCKER_CALLS": str(calls), "COMPOSE_FILE": "/other.yml"}
    closed = "http://127.0.0.1:9"
    outcome = run(
        checkout, "26-no-head/users.py", None, variables, RUNTIME="compose", HOST=closed, PROBE="no"
    )
    assert outcome.code == 2, outcome.output
    assert "not started" in outcome.output
    assert "COMPOSE_FILE=/other.yml" not in calls.read_text()
    return outcome


def _certificate(checkout: Checkout) -> Path:
    """A file with a certificate for 127.0.0.1 that no authority has signed, and its key."""
    file = checkout.folder / "certificate.pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(file))
    return file
