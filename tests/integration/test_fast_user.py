"""FastUser against a server that answers as the test says, over real connections."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.checkout import ROOT
from tests.integration.recording_api import Api, serving

USER = """
import json, os, sys
from gevent import monkey; monkey.patch_all()
import gevent
from locust.env import Environment
from stampede import FastUser

environment, counted = Environment(), []
environment.events.request.add_listener(lambda **request: counted.append(request))

class Visitor(FastUser):
    host = os.environ["HOST"]
    network_timeout = 1.0

user = Visitor(environment)
client = user.client

def await_close():
    # The server closes the connection a moment after its answer.
    while any(connection.is_open for connection in client._idle[client._origin]):
        gevent.sleep(0.01)

def show(response):
    print(json.dumps([response.status_code, response.text, response.error and str(response.error)]))
"""


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as served:
        yield served


def run(program: str, host: str, **environment: str) -> list[Any]:
    """The JSON lines that a program with one user prints."""
    done = subprocess.run(
        [sys.executable, "-c", USER + program],
        cwd=ROOT,
        env=os.environ | environment | {"HOST": host},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [*lines, done.stderr] if "WANTS_LOG" in environment else lines


def test_requests_are_sent_as_fast_http_user_sends_them(api: Api) -> None:
    program = """
client.get("/a b?x=\u00e4#here", params={"page": 2, "tag": ["a", "b"]})
client.post("/orders/", json={"id": 1, "name": "\u00e4"}, headers={"Idempotency-Key": "k"})
client.put("/form", data={"a": "1 2", "b": ["x", "y"]})
client.patch("/text", data="\u00e4", auth=("ada", "love"),
             headers={"content-type": "text/x", "accept-encoding": "identity"})
client.delete("/17")
client.head("/head")
client.options("/options")
client.post("/empty")
"""
    run(program, api.url.replace("://", "://me:pa%20ss@"))
    get, post, put, patch, delete, head, options, empty = api.asked
    assert get[:2] == ("GET", "/a%20b?x=%C3%A4&page=2&tag=a&tag=b")
    assert get[2]["Authorization"] == "Basic bWU6cGEgc3M="
    assert get[2]["Host"] == api.url.removeprefix("http://")
    assert get[2]["Accept-Encoding"] == "gzip, deflate, br"
    assert json.loads(post[3]) == {"id": 1, "name": "\u00e4"}
    assert (post[2]["Content-Type"], post[2]["Accept"]) == ("application/json", "application/json")
    assert post[2]["Idempotency-Key"] == "k"
    assert put[2]["Content-Type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert put[3] == b"a=1+2&b=x&b=y"
    assert patch[3] == "\u00e4".encode()
    assert (patch[2]["content-type"], patch[2]["accept-encoding"]) == ("text/x", "identity")
    assert patch[2]["Authorization"] == "Basic YWRhOmxvdmU="
    assert [delete[0], head[0], options[0]] == ["DELETE", "HEAD", "OPTIONS"]
    assert empty[2]["Content-Length"] == "0"
    assert api.connections == 1


def test_requests_reach_the_request_event_as_those_of_locusts_clients(api: Api) -> None:
    program = """
client.get("/a?b", name="named", context={"by": "me"})
with client.rename_request("renamed"):
    client.get("/a")
with client.get("/a", catch_response=True) as response:
    response.failure("wrong")
with client.get("/a", catch_response=True):
    raise ResponseError("raised")
with user.rest("GET", "/a") as response:
    assert response.js is None
client.get("http://127.0.0.1:9/elsewhere", name="closed")
for each in counted:
    print(json.dumps([each["request_type"], each["name"], each["context"], each["url"],
                      each["response_length"], each["response"].status_code,
                      each["exception"] and repr(each["exception"])]))
    assert 0 < each["response_time"] < 60_000 and each["start_time"] > 1e9
"""
    program = program.replace("client.get", "from locust.exception import ResponseError\nclient.get", 1)
    url = f"{api.url}/a"
    named, renamed, failed, raised, rest, closed = run(program, api.url)
    assert named == ["GET", "named", {"by": "me"}, f"{url}?b", 4, 200, None]
    assert renamed == ["GET", "renamed", {}, url, 2, 200, None]
    assert failed == ["GET", "/a", {}, url, 2, 200, "CatchResponseError('wrong')"]
    assert raised == ["GET", "/a", {}, url, 2, 200, "ResponseError('raised')"]
    assert rest[6].startswith("CatchResponseError('Could not parse response as JSON. /a, response code 200")
    assert closed[:6] == ["GET", "closed", {}, "http://127.0.0.1:9/elsewhere", 0, 0]
    assert closed[6] == "ConnectionRefusedError(111, 'Connection refused')"


def test_a_connection_is_used_again_until_the_server_closes_it(api: Api) -> None:
    """Not by two requests at once; and none is sent on one that is closed."""
    program = """
for path in ("/1", "/2", "/close", "/3"):
    show(client.get(path))
    if path == "/close":
        await_close()
gevent.joinall([gevent.spawn(client.get, f"/{number}") for number in range(3)])
"""
    assert run(program, api.url) == [[200, path, None] for path in ("/1", "/2", "/close", "/3")]
    assert api.connections == 4
    assert len(api.asked) == 7


def test_a_request_is_sent_once_whatever_becomes_of_it(api: Api) -> None:
    program = """
show(client.get("/first"))
for method in ("GET", "PUT", "DELETE", "POST"):
    show(client.request(method, "/gone"))
show(client.get("/silent"))
show(client.get("/last"))
"""
    first, *gone, silent, last = run(program, api.url)
    assert first == [200, "/first", None]
    assert gone == [[0, None, "the server closed the connection without an answer"]] * 4
    assert silent == [0, None, "no answer within 1 s"]
    assert last == [200, "/last", None]
    assert len(api.asked) == 7


def test_what_only_fast_http_user_can_do_is_said(api: Api) -> None:
    program = """
show(client.get("/moved"))
show(client.get("/moved", allow_redirects=False))
client.get("/cookie"), client.get("/cookie")
for wrong in ({"stream": True}, {"headers": {"X": "a\\r\\nY: b"}}, {"headers": {"X\\n": "a"}}):
    try:
        client.get("/", **wrong)
    except Exception as error:
        print(json.dumps(f"{type(error).__name__}: {error}"))
try:
    Visitor.host = "ftp://x"; Visitor(environment)
except ValueError as error:
    print(json.dumps(str(error)))
"""
    refused, moved, stream, header, name, host, log = run(
        program.replace("\\\\", "\\"), api.url, WANTS_LOG="1"
    )
    assert refused == [
        302,
        "/moved",
        "FastUser follows no redirect: use FastHttpUser, or allow_redirects=False",
    ]
    assert moved == [302, "/moved", None]
    assert stream == "TypeError: FastUser has no 'stream': use FastHttpUser for this request"
    assert header == name == "ValueError: a header has characters that HTTP does not allow"
    assert host.startswith("'ftp://x' is no address of HTTP")
    assert log.count("FastUser keeps no cookies: use FastHttpUser where the API needs them") == 1
    assert not any("Y" in asked[2] for asked in api.asked)


def test_a_long_body_is_sent_whole(api: Api) -> None:
    """It is longer than what the kernel takes at once. Meanwhile others run."""
    program = """
import hashlib
body = os.urandom(30_000_000)
print(json.dumps(hashlib.sha256(body).hexdigest()))
ticks = []
def tick():
    while True:
        ticks.append(1); gevent.sleep(0.001)
gevent.spawn(tick)
show(client.post("/long", data=body))
assert len(ticks) > 5
"""
    digest, answer = run(program, api.url)
    assert answer == [200, "/long", None]
    assert hashlib.sha256(api.asked[0][3]).hexdigest() == digest


def test_bytes_after_an_answer_are_no_answer(api: Api) -> None:
    """The next request has a connection of its own."""
    program = """
for path in ("/garbage", "/next", "/garbage", "/last"):
    show(client.get(path))
"""
    paths = ["/garbage", "/next", "/garbage", "/last"]
    assert run(program, api.url) == [[200, path, None] for path in paths]
    assert api.connections == 3


def test_a_request_that_the_locustfile_limits_has_failed(api: Api) -> None:
    """As with FastHttpUser: the API has counted it, too."""
    program = """
with gevent.Timeout(0.2):
    show(client.get("/silent"))
print(json.dumps([str(request["exception"]) for request in counted]))
show(client.get("/next"))
"""
    assert run(program, api.url) == [
        *([0, None, "0.2 seconds"], ["0.2 seconds"]),
        [200, "/next", None],
    ]


def test_a_user_that_is_killed_leaves_no_connection(api: Api) -> None:
    program = """
import psutil
under_way = gevent.spawn(client.get, "/silent")
while not psutil.Process().net_connections("tcp"):
    gevent.sleep(0.01)
under_way.kill()
print(json.dumps(len(psutil.Process().net_connections("tcp"))))
show(client.get("/next"))
print(json.dumps(len(psutil.Process().net_connections("tcp"))))
import gc
del user, client, under_way
gc.collect()
print(json.dumps(len(psutil.Process().net_connections("tcp"))))
"""
    assert run(program, api.url) == [0, [200, "/next", None], 1, 0]


def test_connections_are_encrypted_and_certificates_checked_if_asked(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    def encrypt(api: Api) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        api.socket = context.wrap_socket(api.socket, server_side=True)

    program = """
show(client.get("/secret"))
show(client.post("/large", data=b"x" * 5_000_000))
show(client.get("/close"))
await_close()
show(client.get("/again"))
class Careful(Visitor):
    insecure = False
response = Careful(environment).client.get("/checked")
print(json.dumps([response.status_code, type(response.error).__name__]))
import ssl
Careful.ssl_context_factory = lambda: ssl.create_default_context(cafile=os.environ["CA"])
show(Careful(environment).client.get("/trusted"))
"""
    with serving(encrypt) as api:
        url = api.url.replace("http:", "https:")
        secret, large, close, again, checked, trusted = run(program, url, CA=str(tmp_path / "ca.pem"))
    assert [secret, large, close, again, trusted] == [
        [200, path, None] for path in ("/secret", "/large", "/close", "/again", "/trusted")
    ]
    assert checked == [0, "SSLCertVerificationError"]
    assert len(api.asked[1][3]) == 5_000_000


def test_a_server_that_is_not_there_fails_the_request() -> None:
    """Whether nobody listens, or the name is unknown."""
    program = """
for host in ("http://127.0.0.1:9", "http://unknown.invalid"):
    lost = type("Lost", (Visitor,), {"host": host, "connection_timeout": 3.0})
    response = lost(environment).client.get("/")
    print(json.dumps([response.status_code, response.content, response.headers, str(response.error)]))
"""
    refused, unknown = run(program, "http://127.0.0.1:9")
    assert refused == [0, None, None, "[Errno 111] Connection refused"]
    assert unknown[:3] == [0, None, None]


def test_the_time_to_connect_is_limited_for_all_addresses_of_a_host() -> None:
    """Here each has a server that accepts no connection, as its queue is full."""
    program = """
resolver = gevent.get_hub().resolver
resolve = resolver.getaddrinfo
resolver.getaddrinfo = lambda *arguments: resolve(*arguments) * 2
Visitor.connection_timeout = 0.3
with gevent.Timeout(10):
    show(Visitor(environment).client.get("/"))
"""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        host = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert run(program, host) == [[0, None, "no connection within 0.3 s"]]
