"""A user that is stopped in the middle of a request counts it: an API that hangs for ever is no fast one."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import chain
from typing import Any

import pytest

PROGRAM = """
import json, sys
import locust.main  # as gevent wants it: before anything opens a socket
import gevent
from gevent.event import Event
from gevent.server import StreamServer
from locust import FastHttpUser, HttpUser
from locust.env import Environment
from stampede import FastUser
from stampede.cluster import user_patches
from stampede.counting.counts import Counts
from stampede.counting.request import DUE
from stampede.facts.samples import Samples
from stampede.targets.evidence import Evidence
from stampede.targets.measuring import results
from stampede.targets.parser import parse

asked = Event()

def serve(connection, _):
    while b" /kept" in (head := connection.recv(4096)):
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
    if b" /hangs" in head:
        asked.set()
        gevent.sleep(60)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")

api = StreamServer(("127.0.0.1", 0), serve)
api.start()

def in_flight(self):
    self.client.get("/fine")
    self.client.get("/hangs", params={"page": 1})

def named(self):
    self.client.get("/hangs/17", name="/hangs/{id}", context={"by": "me"})

def renamed(self):
    with self.client.rename_request("renamed"):
        self.client.post("/hangs")

def within(self):
    with self.client.get("/fine", catch_response=True):
        with self.client.get("/hangs", catch_response=True) as response:
            response.success()

def judged(self):
    with self.client.get("/fine", catch_response=True) as response:
        response.failure("not so fine")
        self.client.get("/hangs")

def visit(kind, task):
    asked.clear()
    host = f"http://127.0.0.1:{api.server_port}"
    own = {"host": host, "tasks": [task], "context": lambda self: {DUE: None}}
    environment = Environment(user_classes=[type("Visitor", (kind,), own)], stop_timeout=0.3)
    counts, heard = Counts(), []
    environment.events.request.add_listener(counts.count)
    environment.events.request.add_listener(lambda **told: heard.append(told))
    runner = environment.create_local_runner()
    runner.start(1, 1, wait=True)
    asked.wait()
    second = int(heard[0]["start_time"]) if heard else 0
    runner.stop()
    gone = len(runner.user_greenlets)
    evidence = Evidence(counts, Samples, lambda: 1)
    window = range(second, second + 1)
    wanted = parse("max < 200ms, max from start < 200ms, errors = 0")
    return {
        "users": gone,
        "failures": environment.stats.total.num_failures,
        "outcomes": counts.outcomes.by_route(),
        "said": [str(told["exception"]) for told in heard],
        "contexts": [told["context"] for told in heard],
        "urls": [told["url"].removeprefix(host) for told in heard],
        "met": [each.target.is_met_by(each.reading.actual)
                for each in results(wanted, evidence, window, window, None)] if second else None,
    }

def woken(kind):
    asked.clear()

    def begin_or_ask(self):
        self.client.get("/hangs" if heard else "/kept")

    def stop_as_it_wakes(self):
        gevent.get_hub().loop.run_callback(self.stop)  # called just before a wait of 0 s ends
        return 0

    host = f"http://127.0.0.1:{api.server_port}"
    own = {"host": host, "tasks": [begin_or_ask], "wait_time": stop_as_it_wakes}
    environment, heard = Environment(user_classes=[type("Visitor", (kind,), own)], stop_timeout=60), []
    environment.events.request.add_listener(lambda **told: heard.append(told))
    runner = environment.create_local_runner()
    runner.start(1, 1, wait=True)
    runner.user_greenlets.join()
    return {"is_sent": asked.wait(0.5), "said": [str(told["exception"]) for told in heard[1:]]}

user_patches.report_ended_users(lambda *_: None)
user_patches.count_requests_cut_off()
kinds, tasks = (HttpUser, FastHttpUser, FastUser), (in_flight, named, renamed, within, judged)
told = {task.__name__: [visit(kind, task) for kind in kinds] for task in tasks}
told["woken"] = [woken(kind) for kind in kinds]
print(json.dumps(told))
"""
CUT_OFF = "cut off at the stop"


@pytest.fixture(scope="module")
def visits() -> dict[str, list[dict[str, Any]]]:
    """What was counted of a user of each client, by what it was at when it was stopped."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_waiting_user_that_is_killed_as_it_wakes_counts_what_it_has_sent(
    visits: dict[str, list[dict[str, Any]]],
) -> None:
    """Nobody asked it to finish. The API has done nothing wrong, so the request has not failed."""
    for each in visits["woken"]:
        assert each["said"] == (["None"] if each["is_sent"] else [])
    assert visits["woken"][-1]["is_sent"], "FastUser sends at once"


def test_a_request_that_is_cut_off_has_failed(visits: dict[str, list[dict[str, Any]]]) -> None:
    """In the statistics and in what targets are measured by, after the time for which it was waited; under
    the name that it would have had. The user is gone all the same."""
    found = {task: each for task, each in visits.items() if task != "woken"}
    for each in chain(*found.values()):
        assert each["users"] == 0
        assert each["said"].count(CUT_OFF) == 1
    for each, name in zip(found["in_flight"], ("/hangs?page=1", "/hangs", "/hangs"), strict=True):
        assert each["failures"] == 1
        assert each["outcomes"] == {"GET /fine": {"200": 1}, f"GET {name}": {"0": 1}}
        assert each["urls"] == ["/fine", "/hangs"]
        assert each["met"] == [True, True, False], "times are of answered requests"
    for each in found["named"]:
        assert each["outcomes"] == {"GET /hangs/{id}": {"0": 1}}
        assert each["contexts"][0]["by"] == "me"
    for each in found["renamed"]:
        assert each["outcomes"] == {"POST renamed": {"0": 1}}
    for each in found["within"]:  # its user has the answer of the outer one
        assert each["outcomes"] == {"GET /fine": {"200": 1}, "GET /hangs": {"0": 1}}
        assert each["failures"] == 1
    for each in found["judged"]:
        assert each["said"] == [CUT_OFF, "not so fine"]
        assert each["outcomes"] == {"GET /fine": {"200": 1}, "GET /hangs": {"0": 1}}
