"""What of Locust's code is corrected is wrong there still. Where a test fails here, drop that patch.

Each looks at Locust as it comes, in a process without the engine, over real sockets where it takes a cluster.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from stampede.cluster import patches

MASTER_AND_WORKER = """
    import gevent, os, sys
    from locust import User, constant, task
    from locust.env import Environment
    from locust.rpc import Message, zmqrpc

    class Shopper(User):
        wait_time = constant(1)
        @task
        def shop(self):
            pass

    master = Environment(user_classes=[Shopper]).create_master_runner("127.0.0.1", 0)
    port = master.server.port

    def worker():
        return Environment(user_classes=[Shopper]).create_worker_runner("127.0.0.1", port)

    def wait_until(condition):
        with gevent.Timeout(20):
            while not condition():
                gevent.sleep(0.01)
"""


def stock(program: str) -> str:
    """What a program prints that knows of stock Locust only."""
    lines = (MASTER_AND_WORKER + program).splitlines()
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(line.removeprefix("    ") for line in lines)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_locust_is_the_version_that_the_patches_were_made_for() -> None:
    patches.check_version()


def test_another_locust_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locust.__version__", "2.99.1")
    with pytest.raises(patches.LocustVersionError, match=r"Locust 2\.99\.1 is installed, .*pip install"):
        patches.check_version()


def test_stock_workers_report_seldom() -> None:
    assert stock("    from locust import runners; print(runners.WORKER_REPORT_INTERVAL)") == "3.0"


def test_stock_masters_drop_all_users_when_they_forget_a_missing_worker() -> None:
    assert stock("    from locust import runners; print(runners.HEARTBEAT_DEAD_INTERNAL)") == "-60"


def test_stock_workers_end_without_a_master() -> None:
    assert stock("    from locust import runners; print(runners.MASTER_HEARTBEAT_TIMEOUT)") == "60"


def test_stock_statistics_do_not_count_every_request() -> None:
    """A name without a hash, a time that is none; a name with half of a surrogate cannot be sent."""
    program = """
    from locust.stats import RequestStats
    def raises(do):
        try:
            do()
        except Exception as error:
            return type(error).__name__
    stats, other = RequestStats(), RequestStats()
    print(raises(lambda: stats.log_request("GET", ["a"], 5, 1)))
    print(raises(lambda: stats.log_request("GET", "/", "5", 1)))
    print(raises(lambda: stats.log_request("GET", "/", float("nan"), 1)))
    other.log_request("GET", "\\ud83d", 5, 1)
    print(raises(Message("stats", other.serialize_stats(), "w").serialize))
    """
    assert stock(program).split() == ["TypeError", "TypeError", "ValueError", "UnicodeEncodeError"]


def test_stock_workers_round_times_to_two_digits() -> None:
    """And what replaces that takes effect: it is looked up when a time is noted."""
    program = """
    from locust import stats
    print(stats.bucket_response_time(495))
    stats.bucket_response_time = round
    noted = stats.RequestStats()
    noted.log_request("GET", "/", 495, 1)
    print(*noted.total.response_times)
    """
    assert stock(program) == "500\n495"


def test_stock_workers_start_users_before_their_init_event() -> None:
    """One that joins a run in progress has begun its test when its maker gets it."""
    program = """
    first = worker()
    wait_until(lambda: master.worker_count == 1)
    gevent.spawn(master.start, 2, 10)
    wait_until(lambda: master.user_count == 2)
    begun = []
    environment = Environment(user_classes=[Shopper])
    environment.events.test_start.add_listener(lambda **_: begun.append(True))
    second = environment.create_worker_runner("127.0.0.1", port)
    wait_until(lambda: begun)
    print("begun before init", flush=True)
    os._exit(0)
    """
    assert stock(program) == "begun before init"


def test_stock_masters_turn_away_a_worker_that_connects_anew() -> None:
    """While its former connection is open, what it says over the new one is not heard."""
    program = """
    heard = []
    master.handle_message = lambda worker, message: heard.append(message.type)
    former = zmqrpc.Client("127.0.0.1", port, "me")
    former.send(Message("former", None, "me"))
    wait_until(lambda: "former" in heard)
    anew = zmqrpc.Client("127.0.0.1", port, "me")
    anew.send(Message("anew", None, "me"))
    for number in range(100):
        former.send(Message(f"former {number}", None, "me"))
    wait_until(lambda: "former 99" in heard)
    print("anew" in heard, flush=True)
    os._exit(0)
    """
    assert stock(program) == "False"


def test_stock_masters_count_a_report_as_often_as_it_comes() -> None:
    program = """
    only = worker()
    wait_until(lambda: master.worker_count == 1)
    only.stats.log_request("GET", "/", 1, 1)
    report = {}
    only.environment.events.report_to_master.fire(client_id=only.client_id, data=report)
    for _ in range(2):
        only.client.send(Message("stats", report, only.client_id))
    wait_until(lambda: master.stats.total.num_requests == 2)
    print("twice", flush=True)
    os._exit(0)
    """
    assert stock(program) == "twice"


def test_stock_masters_end_a_worker_they_do_not_know() -> None:
    """As after their restart."""
    program = """
    stranger = zmqrpc.Client("127.0.0.1", port, "stranger")
    stranger.send(Message("heartbeat", {"state": "running"}, "stranger"))
    stranger.send(Message("spawning", None, "stranger"))
    print(stranger.recv().type, flush=True)
    os._exit(0)
    """
    assert stock(program) == "quit"


def test_stock_workers_are_not_ready_for_a_while_after_a_run() -> None:
    program = """
    import time
    only = worker()
    only.environment.stop_timeout = 2
    wait_until(lambda: master.worker_count == 1)
    begun = time.monotonic()
    gevent.spawn(only.handle_message, Message("stop", None, only.client_id))
    wait_until(lambda: master.worker_count == 0)
    wait_until(lambda: master.worker_count == 1)
    print(time.monotonic() - begun > 1.9, flush=True)
    os._exit(0)
    """
    assert stock(program) == "True"


def test_stock_workers_compute_the_default_options_for_each_option() -> None:
    """For each order: that takes 65 to 100 ms, in which all users of the worker wait."""
    program = """
    from locust import argument_parser
    calls, compute = [], argument_parser.default_args_dict
    argument_parser.default_args_dict = lambda: calls.append(True) or compute()
    only = worker()
    options = {f"option_{number}": number for number in range(20)}
    job = {"timestamp": 1.0, "host": None, "stop_timeout": 0, "user_classes_count": {}}
    job["parsed_options"] = options
    only.handle_message(Message("spawn", job, only.client_id))
    print(len(calls), flush=True)
    os._exit(0)
    """
    assert stock(program) == "20"


def test_stock_messages_cannot_hold_any_value() -> None:
    """Locust sends the message again and again, and nothing else meanwhile."""
    program = """
    for value in ("half \\ud83d", 2**70, object()):
        try:
            Message("stats", {"value": value}, "me").serialize()
        except Exception as error:
            print(type(error).__name__, flush=True)
    os._exit(0)
    """
    assert stock(program) == "UnicodeEncodeError\nOverflowError\nTypeError"


def test_stock_workers_start_nobody_after_a_user_that_cannot_begin() -> None:
    """Nor do they report the exception."""
    program = """
    class Broken(User):
        made = 0

        def __init__(self, environment):
            Broken.made += 1
            if Broken.made == 2:
                raise ValueError("no token")
            super().__init__(environment)

    environment = Environment(user_classes=[Broken])
    errors = []
    environment.events.user_error.add_listener(lambda **_: errors.append(True))
    runner = environment.create_local_runner()
    try:
        runner.spawn_users({"Broken": 5})
    except ValueError:
        print(Broken.made, errors, flush=True)
    os._exit(0)
    """
    assert stock(program) == "2 []"


def test_stock_response_contexts_report_nothing_without_with() -> None:
    program = """
    from gevent.pywsgi import WSGIServer
    from locust import FastHttpUser, HttpUser

    def answer(environ, start):
        start("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    server = WSGIServer(("127.0.0.1", 0), answer, log=None)
    server.start()
    for kind in (HttpUser, FastHttpUser):
        host = f"http://127.0.0.1:{server.server_port}"
        environment = Environment(user_classes=[type("Visitor", (kind,), {"host": host})])
        environment.create_local_runner()
        environment.user_classes[0](environment).client.get("/", catch_response=True)
        print(environment.stats.total.num_requests, flush=True)
    os._exit(0)
    """
    assert stock(program) == "0\n0"


def test_stock_users_count_no_request_that_is_cut_off() -> None:
    """By either of Locust's clients: an API that hangs for ever has neither requests nor failures."""
    program = """
    from gevent.server import StreamServer
    from locust import FastHttpUser, HttpUser

    silent = StreamServer(("127.0.0.1", 0), lambda *_: gevent.sleep(60))
    silent.start()

    def visit(self):
        self.client.get("/")

    for kind in (HttpUser, FastHttpUser):
        there = f"http://127.0.0.1:{silent.server_port}"
        visitor = type("Visitor", (kind,), {"host": there, "tasks": [visit]})
        environment = Environment(user_classes=[visitor], stop_timeout=0.5)
        runner = environment.create_local_runner()
        runner.start(1, 1, wait=True)
        gevent.sleep(0.2)
        runner.stop()
        print(runner.user_count, environment.stats.total.num_requests, flush=True)
    os._exit(0)
    """
    assert stock(program) == "0 0\n0 0"


PAGE = """
    from locust.web import WebUI

    page = WebUI(master.environment, "127.0.0.1", 0, delayed_start=True)
    only = worker()
    wait_until(lambda: master.worker_count == 1)

    def swarm(users, **more):
        form = {"user_count": users, "spawn_rate": 10, **more}
        assert page.app.test_client().post("/swarm", data=form).json["success"]
        wait_until(lambda: master.user_count == users)

    swarm(1, run_time="1h")
"""


def test_stock_masters_leave_the_timer_of_a_run_that_has_ended() -> None:
    program = """
    master.stop()
    print(page._run_time_greenlet is None, flush=True)
    os._exit(0)
    """
    assert stock(PAGE + program) == "False"


def test_stock_masters_take_the_end_of_a_run_that_is_edited() -> None:
    program = """
    swarm(2)
    print(page._run_time_greenlet is None, flush=True)
    os._exit(0)
    """
    assert stock(PAGE + program) == "True"


def test_a_configuration_file_that_nobody_named_is_read() -> None:
    """The engine reads only what --config names."""
    program = """
    import tempfile
    from locust.argument_parser import get_parser
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        open("locust.conf", "w").write("users = 7")
        print(get_parser().parse_args([]).num_users)
    """
    assert stock(program) == "7"


def test_pytest_reads_the_projects_configuration_for_a_locustfile_in_it() -> None:
    """Which makes a warning about Locust's own plugin an error."""
    program = """
    import tempfile
    from locust.util.load_locustfile import load_locustfile_pytest
    with tempfile.TemporaryDirectory(dir=".") as folder:
        file = os.path.abspath(os.path.join(folder, "test_shop.py"))
        open(file, "w").write("def test_list(session): pass")
        try:
            print(*load_locustfile_pytest(file))
        except Exception as error:
            print(type(error).__name__)
    """
    assert stock(program) == "PytestAssertRewriteWarning"


HOSTILE = """
    from locust import FastHttpUser, HttpUser
    from tests import hostile

    def outcomes(kind, *names, stream=False):
        with hostile.serving() as api:
            user = type("Visitor", (kind,), {"host": api.url})(Environment())
            for name in names:
                try:
                    response = user.client.get(f"/{name}", stream=stream)
                    print(name, len(response.content or b"") if not stream else "", flush=True)
                except Exception as error:
                    print(name, type(error).__name__, flush=True)
"""


def test_stock_users_decode_a_body_of_any_size() -> None:
    program = """
    outcomes(FastHttpUser, "gzip")
    outcomes(HttpUser, "gzip")
    """
    assert stock(HOSTILE + program).split() == ["gzip", "104857600"] * 2


def test_stock_users_receive_a_head_of_any_size() -> None:
    assert stock(HOSTILE + '    outcomes(FastHttpUser, "large-head")') == "large-head 1"


def test_stock_users_raise_an_exception_for_an_answer_that_cannot_be_decoded() -> None:
    """In the locustfile's task."""
    program = """
    outcomes(FastHttpUser, "not-utf8", "unknown-encoding", "bad-br")
    outcomes(HttpUser, "bad-length", stream=True)
    """
    expected = [
        "not-utf8 UnicodeDecodeError",
        "unknown-encoding ValueError",
        "bad-br error",
        "bad-length ValueError",
    ]
    assert stock(HOSTILE + program).splitlines() == expected


def test_stock_users_raise_an_exception_for_a_location_that_is_no_url() -> None:
    program = """
    outcomes(FastHttpUser, "to?to=http://[")
    outcomes(HttpUser, "to?to=http://[")
    """
    assert stock(HOSTILE + program).splitlines() == ["to?to=http://[ ValueError"] * 2


def test_stock_users_keep_each_cookie() -> None:
    program = """
    with hostile.serving() as api:
        client = type("Visitor", (FastHttpUser,), {"host": api.url})(Environment()).client
        for _ in range(250):
            client.get("/cookies")
        print(len(client.cookiejar), flush=True)
    """
    assert stock(HOSTILE + program) == "250"


def test_stock_csv_files_have_formulas() -> None:
    program = """
    import csv
    from locust.stats import StatsCSV
    environment = Environment()
    environment.create_local_runner()
    environment.stats.log_request("GET", "=1+1", 5, 5)
    environment.stats.log_error("GET", "=1+1", "broken")
    StatsCSV(environment, []).failures_csv(csv.writer(sys.stdout))
    """
    assert "GET,=1+1,broken" in stock(program)


def test_stock_logs_have_commands() -> None:
    program = """
    import logging
    from locust.log import setup_logging
    setup_logging("INFO")
    logging.getLogger().handlers[0].setStream(sys.stdout)
    logging.error("failed: \\x1b[2J\\n::error::x")
    """
    assert "\x1b[2J\n::error::x" in stock(program)
