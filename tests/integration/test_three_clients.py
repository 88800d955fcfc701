"""HttpUser, FastHttpUser and FastUser report their requests in the same way, with all patches of the engine.

In a process for each, because the patches replace functions. What is cut off at the stop: test_cut_off.py.
Answers that are hostile: test_hostile_answers.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.checkout import ROOT
from tests.integration.recording_api import serving

KINDS = ("HttpUser", "FastHttpUser", "FastUser")

PROGRAM = """
import locust.main  # as gevent wants it: before anything opens a socket
import json, os
from locust import FastHttpUser, HttpUser
from locust.env import Environment
from locust.exception import LocustError, RescheduleTask, ResponseError
from stampede import FastUser
from stampede.cluster import fast_answers, patches, requests_answers, user_patches
from stampede.cluster.allowed_targets import AllowedTargets

HOST, OTHER = os.environ["HOST"], os.environ["OTHER"]
unreported = set()

def opened(method, name):
    unreported.add((method, name))
    return (method, name)

fast_answers.limit_answers()
requests_answers.limit_answers()
patches.refuse_redirects_off_target(AllowedTargets("", lambda: [HOST]))
user_patches.count_requests_cut_off()
user_patches.note_unreported(opened, unreported.discard)

kind = {each.__name__: each for each in (HttpUser, FastHttpUser, FastUser)}[os.environ["KIND"]]
Visitor = type("Visitor", (kind,), {"host": HOST, "network_timeout": 0.5, "max_body_size": 30_000})
waits = {"timeout": 0.5} if kind is HttpUser else {}
environment = Environment()
reported = []
environment.events.request.add_listener(lambda **request: reported.append(request))
user = Visitor(environment)
client = user.client

def named(): client.get("/a?b", name="named", context={"by": "me"})
def unnamed(): client.get("/a?b")
def renamed():
    with client.rename_request("renamed"):
        client.get("/a")
        client.post("/a", name="named")
    client.delete("/a")
def sent(): client.post("/a", json={"b": 1}, headers={"X-C": "d"}, auth=("me", "pass"))
def wrong(): client.get("/wrong")
def accepted():
    with client.get("/wrong", catch_response=True) as response:
        response.success()
def refused():
    with client.get("/a", catch_response=True) as response:
        response.failure("not good")
def refused_by_exception():
    with client.get("/a", catch_response=True) as response:
        response.failure(KeyError("not good"))
def decided_twice():
    with client.get("/a", catch_response=True) as response:
        response.failure("not good")
        response.success()
def changed():
    with client.get("/a", catch_response=True) as response:
        response.request_meta["name"] = "changed"
def raised():
    with client.get("/a", catch_response=True):
        raise ResponseError("not good")
def raised_after_decision():
    with client.get("/a", catch_response=True) as response:
        response.failure("not good")
        raise ArithmeticError("of the locustfile")
def raised_otherwise():
    with client.get("/a", catch_response=True):
        raise ArithmeticError("of the locustfile")
def rescheduled():
    with client.get("/a", catch_response=True):
        raise RescheduleTask()
def without_block(): client.get("/a", catch_response=True)
def decided_without_block(): client.get("/a", catch_response=True).success()
def not_caught():
    with client.get("/a") as response:
        response.success()
def of_rest():
    with user.rest("GET", "/a") as response:
        assert response.status_code == 500, "no error"
def silent(): client.get("/silent", **waits)
def slow(): client.get("/slow", **waits)
def gone(): client.get("/gone")
def closed(): client.get("http://127.0.0.1:9/a", name="closed")
def too_long(): client.get("/much")
def too_long_when_decoded(): client.get("/much-packed")
def moved(): client.get("/moved", allow_redirects=False)
def moved_away(): client.get(f"/moved?to={OTHER}/there", name="away")
def elsewhere(): client.get(f"{OTHER}/a", name="elsewhere")

CASES = (
    named, unnamed, renamed, sent, wrong, accepted, refused, refused_by_exception, decided_twice, changed,
    raised, raised_after_decision, raised_otherwise, rescheduled, without_block, decided_without_block,
    not_caught, of_rest, silent, slow, gone, closed, too_long, too_long_when_decoded, moved, moved_away,
    elsewhere,
)

for case in CASES:
    reported.clear(), unreported.clear()
    raised = None
    try:
        case()
    except (Exception, RescheduleTask) as error:
        raised = type(error).__name__
    print(json.dumps([case.__name__, raised, sorted(unreported), [
        [each["request_type"], each["name"], each["context"],
         each["url"].replace(HOST, "").replace(OTHER, "OTHER"),
         each["response"].status_code, each["response_length"], each["exception"] and str(each["exception"]),
         each["exception"] and type(each["exception"]).__name__] for each in reported]]), flush=True)
    assert all(0 < each["response_time"] < 5000 and each["start_time"] > 1e9 for each in reported)
"""
GET = ["GET", "/a", {}, "/a", 200, 2]
GOOD = [None, None]
BAD = ["not good", "CatchResponseError"]
UNREPORTED = [["GET", "/a"]]

EXPECTED: dict[str, tuple[str | None, list[Any], list[Any]]] = {
    # What reaches the task, which requests are not reported, and which are.
    "named": (None, [], [["GET", "named", {"by": "me"}, "/a?b", 200, 4, *GOOD]]),
    "unnamed": (None, [], [["GET", "/a?b", {}, "/a?b", 200, 4, *GOOD]]),
    "renamed": (
        *(None, []),
        [
            ["GET", "renamed", {}, "/a", 200, 2, *GOOD],
            ["POST", "named", {}, "/a", 200, 2, *GOOD],
            ["DELETE", "/a", {}, "/a", 200, 2, *GOOD],
        ],
    ),
    "sent": (None, [], [["POST", "/a", {}, "/a", 200, 2, *GOOD]]),
    "accepted": (None, [], [["GET", "/wrong", {}, "/wrong", 500, 6, *GOOD]]),
    "refused": (None, [], [[*GET, *BAD]]),
    "refused_by_exception": (None, [], [[*GET, "'not good'", "KeyError"]]),
    "decided_twice": (None, [], [[*GET, *GOOD]]),
    "changed": (None, [], [["GET", "changed", {}, "/a", 200, 2, *GOOD]]),
    "raised": (None, [], [[*GET, "not good", "ResponseError"]]),
    "raised_after_decision": ("ArithmeticError", [], [[*GET, *BAD]]),
    "raised_otherwise": ("ArithmeticError", UNREPORTED, []),
    "rescheduled": ("RescheduleTask", [], []),
    "without_block": (None, UNREPORTED, []),
    "decided_without_block": ("LocustError", UNREPORTED, []),
    "not_caught": ("LocustError", [], [[*GET, *GOOD]]),
    "moved": (None, [], [["GET", "/moved", {}, "/moved", 302, 6, *GOOD]]),
    "slow": (None, [], [["GET", "/slow", {}, "/slow", 200, 5, *GOOD]]),  # each part comes in time
    "elsewhere": (None, [], [["GET", "elsewhere", {}, "OTHER/a", 200, 2, *GOOD]]),
}

NO_ANSWER = ("Remote end closed connection", "closed", "the server closed the connection without an answer")
TOO_LONG = ("the body is longer than 0.02861022949 MiB",) * 3
NOT_FOLLOWED = (*("it is not in ALLOW_TARGETS",) * 2, "FastUser follows no redirect")

FAILED: dict[str, tuple[str, tuple[int, ...], tuple[str, ...]]] = {
    # A request that fails: its name, status, and a part of the text of each client in the order of KINDS.
    "wrong": ("/wrong", (500,), ("500 Server Error", "code=500", "code=500")),
    "of_rest": ("/a", (200,), ("no error",) * 3),
    "silent": ("/silent", (0,), ("Read timed out", "timed out", "no answer within 0.5 s")),
    "gone": ("/gone", (0,), NO_ANSWER),
    "closed": ("closed", (0,), ("Connection refused",) * 3),
    "too_long": ("/much", (0, 200), TOO_LONG),
    "too_long_when_decoded": ("/much-packed", (0, 200), TOO_LONG),
    "moved_away": ("away", (0, 302), NOT_FOLLOWED),
}


class Run:
    """What a process with a user of one kind has printed, and what its servers were asked."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        with serving() as api, serving() as other:
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM],
                cwd=ROOT,
                env=os.environ | {"HOST": api.url, "OTHER": other.url, "KIND": kind},
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, done.stderr
            self.asked, self.asked_elsewhere = api.asked, other.asked
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.cases = {name: (raised, unreported, requests) for name, raised, unreported, requests in lines}


@pytest.fixture(scope="module", params=KINDS)
def run(request: pytest.FixtureRequest) -> Run:
    return Run(request.param)


@pytest.mark.parametrize("case", EXPECTED)
def test_a_request_is_reported_as_with_the_other_clients(run: Run, case: str) -> None:
    assert run.cases[case] == EXPECTED[case]


@pytest.mark.parametrize("case", FAILED)
def test_a_request_that_fails_is_reported_once(run: Run, case: str) -> None:
    """With a text that says why."""
    name, statuses, texts = FAILED[case]
    raised, unreported, ((_, *rest),) = run.cases[case]
    assert (raised, unreported, rest[0]) == (None, [], name)
    assert rest[3] in statuses
    assert texts[KINDS.index(run.kind)] in rest[5]


def test_every_case_is_checked(run: Run) -> None:
    assert sorted(run.cases) == sorted([*EXPECTED, *FAILED])


def test_json_headers_and_credentials_are_sent(run: Run) -> None:
    (headers,) = [
        headers for method, _, headers, body in run.asked if body == b'{"b": 1}' and method == "POST"
    ]
    assert headers["Content-Type"] == "application/json"
    assert headers["X-C"] == "d"
    assert headers["Authorization"] == "Basic bWU6cGFzcw=="


def test_another_host_is_asked_only_where_the_locustfile_says_so(run: Run) -> None:
    """No redirect leads there."""
    assert [path for _, path, *_ in run.asked_elsewhere] == ["/a"]
