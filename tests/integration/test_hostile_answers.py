"""Whatever the API answers, users count a failed request, need little memory and raise no exception.

In a process of its own, because the limits replace functions of Locust's clients.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import subprocess
import sys
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import brotli
import pytest

from tests import hostile
from tests.checkout import ROOT

USER = """
import json, os, sys
import gevent
from {module} import {kind}
from locust.env import Environment
from stampede.http import limits as answer_limits
from stampede.cluster import cookie_limits, fast_answers, patches, requests_answers
from stampede.cluster.allowed_targets import AllowedTargets
from stampede.own_ports import OwnPorts

fast_answers.limit_answers()
requests_answers.limit_answers()
cookie_limits.limit_cookies()
host = os.environ["HOST"]
own = OwnPorts(os.environ.get("OWN_PORTS", ""))
patches.refuse_redirects_off_target(AllowedTargets("localhost", lambda: [host], own))
environment = Environment()
counted = []
environment.events.request.add_listener(lambda **request: counted.append(request))

class Visitor({kind}):
    pass

Visitor.host = host
if most := int(os.environ.get("MOST", "0")):
    Visitor.max_body_size = most
times = {"timeout": float(os.environ.get("WAIT", "20"))} if {kind}.__name__ == "HttpUser" else {}

def memory(name):
    # In MB. Not ru_maxrss, which is also that of the process that has started this one.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) >> 10 for line in status if line.startswith(name))

def resident(): return memory("VmRSS:")
def peak(): return memory("VmHWM:")

def get(path, *, catch=False, stream=False):
    user = Visitor(environment)
    counted.clear()
    try:
        if catch:
            with user.client.get(path, catch_response=True, stream=stream, **times):
                pass
        else:
            user.client.get(path, stream=stream, **times)
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    (request,) = counted
    status, error = getattr(request["response"], "status_code", None), request["exception"]
    return [status, error and str(error), request["response_length"]]
"""

REST = """
for path in sys.argv[1:]:
    for catch in (False, True):
        for stream in (False, True)[: 1 + ({kind}.__name__ != "FastUser")]:
            print(json.dumps([path, catch, stream, get(path, catch=catch, stream=stream)]), flush=True)
"""

LOCUSTS_KINDS = ("FastHttpUser", "HttpUser")
KINDS = ("FastUser", *LOCUSTS_KINDS)
"""FastUser has no streams, follows no redirect and keeps no cookies."""
ENDLESS = [name for name in hostile.ANSWERS if name.startswith("endless")]
BOMBS = ["gzip", "deflate", "br", "gzip-500"]
OTHERS = [name for name in hostile.ANSWERS if name not in (*ENDLESS, *BOMBS, "to", "metrics")]


@pytest.fixture(scope="module")
def api() -> Iterator[hostile.HostileApi]:
    with hostile.serving() as served:
        yield served


def run(program: str, kind: str, *paths: str, **environment: str) -> list[Any]:
    """The JSON lines that a program prints that has one user of a kind."""
    module = "stampede" if kind == "FastUser" else "locust"
    done = subprocess.run(
        [sys.executable, "-c", (USER + program).replace("{kind}", kind).replace("{module}", module), *paths],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_raises_an_exception_in_a_task(api: hostile.HostileApi, kind: str) -> None:
    """With and without a `with` block, as a whole and as a stream."""
    locations = (
        *(
            "http://[",
            "//",
            "http://127.0.0.1:99999/",
            "http://127.0.0.1:abc/",
            "ftp://x/",
            "javascript:alert(1)",
        ),
        *("/a b", "/\x01", "/\xff\xfe", f"{api.url}//evil", "http:///x", "http://\xff/", "?", "#", " /ok"),
        *(f"http://a@127.0.0.1:{api.port}/ok", f"{api.url}/ok\\x", "http://..", "h" * 9000),
    )
    redirects = [f"to?to={quote(location, encoding='latin-1')}" for location in locations]
    paths = [f"/{name}" for name in (*OTHERS, *redirects)]
    for path, catch, stream, outcome in run(REST, kind, *paths, HOST=api.url, WAIT="0.5"):
        assert isinstance(outcome, list), (path, catch, stream, outcome)
        assert len(str(outcome[1])) < 10_000 or path == "/large-head"


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_with_a_broken_body_keeps_its_status(api: hostile.HostileApi, kind: str) -> None:
    """The API has counted it with that status, too."""
    paths = ("/not-utf8", "/latin", "/unknown-charset", "/wild", "/two-ids", "/unknown-encoding-500")
    for path, _catch, _stream, (status, error, _length) in run(REST, kind, *paths, HOST=api.url):
        assert status == 500, path
        assert "500" in error


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_without_an_end_fails_with_a_clear_text(api: hostile.HostileApi, kind: str) -> None:
    """An error keeps its status, where it has one before its body is read.

    Two kinds have a limit of their own. Without it, the limit of the body would hold, but later.
    """
    own_limits = {
        ("/endless-trailers", "FastHttpUser"): "the trailers of the answer are longer than 64 KiB",
        ("/endless-extension", "HttpUser"): "a line of the answer is longer than 16 KiB",
    }
    program = "for path in sys.argv[1:]: print(json.dumps([path, get(path)]))"
    paths = [f"/{name}" for name in (*ENDLESS, *BOMBS)]
    for path, (_status, error, _length) in run(program, kind, *paths, HOST=api.url, MOST="1000000"):
        if path.endswith("-500") and kind != "HttpUser":
            assert "code=500" in error, path
        else:
            assert "longer than" in error or "more than" in error, path
        assert own_limits.get((path, kind), "") in error, path


@pytest.mark.parametrize("kind", KINDS)
def test_many_users_with_endless_bodies_do_not_fill_the_memory(api: hostile.HostileApi, kind: str) -> None:
    """Each may receive 16 MiB, but not all at the same time. Meanwhile a short body is no failure."""
    program = """
users = [gevent.spawn(get, path) for path in ("/endless", "/gzip", "/br", "/deflate") * 10]
short = [gevent.spawn(lambda: Visitor(environment).client.get("/ok").content) for _ in range(10)]
gevent.joinall([*users, *short])
assert all(greenlet.value == b"{}" for greenlet in short)
print(json.dumps([peak(), answer_limits.Held.total]))
"""
    # The results are those of one user at a time, so they are counted here by all.
    program = program.replace("(request,) = counted", "request = counted[-1]")
    ((peak, held),) = run(program, kind, HOST=api.url)
    assert peak < 450
    assert held == 0


@pytest.mark.parametrize("path", ["/endless", "/gzip", "/br"])
@pytest.mark.parametrize("kind", KINDS)
def test_errors_that_are_kept_hold_no_bodies(api: hostile.HostileApi, kind: str, path: str) -> None:
    """An error knows all variables of the functions that it went through."""
    program = """
get(sys.argv[1])
before, kept = resident(), []
for _ in range(12):
    get(sys.argv[1])
    kept.append(counted[-1]["exception"])
print(json.dumps([resident() - before, str(kept[0])]))
"""
    ((grown, error),) = run(program, kind, path, HOST=api.url)
    assert "longer than 16 MiB" in error
    assert grown < 50


@pytest.mark.parametrize("kind", KINDS)
def test_a_user_class_may_have_a_limit_of_its_own(api: hostile.HostileApi, kind: str) -> None:
    api.answers["large"] = hostile.answer(bytes(3_000_000))
    program = 'print(json.dumps(get("/large")))'
    (own,) = run(program, kind, HOST=api.url, MOST="2000000")
    assert own[1].startswith("the body is longer than 1.907348633 MiB")
    for most in ("3000000", "0"):
        assert run(program, kind, HOST=api.url, MOST=most) == [[200, None, 3_000_000]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_is_decoded_as_a_whole(api: hostile.HostileApi, kind: str) -> None:
    """Of any size, also where it is as long as the pieces in which it is decoded."""
    wild = random.Random(1).randbytes(700_000)  # noqa: S311 - always the same
    bodies = [b"", b"x", wild[:131_072], wild[:262_144], wild, bytes(700_000), b"{}" * 65_536]
    raw = zlib.compressobj(wbits=-15)
    for number, body in enumerate(bodies):
        api.answers[f"whole-gzip-{number}"] = hostile.answer(gzip.compress(body), b"Content-Encoding: gzip")
        api.answers[f"whole-zlib-{number}"] = hostile.answer(
            zlib.compress(body), b"Content-Encoding: deflate"
        )
        api.answers[f"whole-br-{number}"] = hostile.answer(brotli.compress(body), b"Content-Encoding: br")
        api.answers[f"whole-none-{number}"] = hostile.answer(body)
    api.answers["whole-raw"] = hostile.answer(raw.compress(wild) + raw.flush(), b"Content-Encoding: deflate")
    program = """
import hashlib
for path in sys.argv[1:]:
    print(json.dumps(hashlib.sha256(Visitor(environment).client.get(path).content or b"").hexdigest()))
"""
    paths = [
        f"/whole-{how}-{number}" for number in range(len(bodies)) for how in ("gzip", "zlib", "br", "none")
    ]
    digests = [hashlib.sha256(body).hexdigest() for body in bodies]
    expected = [digests[int(path.rpartition("-")[2])] for path in paths]
    got = run(program, kind, *paths, "/whole-raw", HOST=api.url)
    assert got == [*expected, hashlib.sha256(wild).hexdigest()]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_decoded_where_there_is_no_body(api: hostile.HostileApi, kind: str) -> None:
    """Such as in the answer to HEAD, whose headers are those of a GET."""
    api.answers["nothing"] = hostile.answer(b"", b"Content-Encoding: gzip")
    assert run('print(json.dumps(get("/nothing")))', kind, HOST=api.url) == [[200, None, 0]]


@pytest.mark.parametrize("kind", LOCUSTS_KINDS)
def test_a_stream_has_no_limit(api: hostile.HostileApi, kind: str) -> None:
    """The locustfile takes it in parts, so that it needs no memory."""
    api.answers["long"] = hostile.endless(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", bytes(65536))
    program = """
response = Visitor(environment).client.get("/long", stream=True, **times)
print(json.dumps(sum(len(part) for part in response.iter_content(chunk_size=65536))))
print(json.dumps(peak()))
"""
    received, peak = run(program, kind, HOST=api.url, MOST="1000000")
    assert received == hostile.MOST // 65536 * 65536
    assert peak < 200


@pytest.mark.parametrize("kind", LOCUSTS_KINDS)
def test_redirects_lead_to_no_other_port_and_not_to_the_cluster(api: hostile.HostileApi, kind: str) -> None:
    """Also if all ports of the host are allowed."""
    with hostile.serving() as other:
        own = f"http://localhost:{other.port}/ok"
        paths = [
            f"/to?to={quote(where)}"
            for where in (f"{api.url}/ok", "/ok", f"{other.url}/ok", own, f"http://localhost:{api.port}/ok")
        ]
        program = "for path in sys.argv[1:]: print(json.dumps(get(path)))"
        here, path, there, cluster, listed = run(
            program, kind, *paths, HOST=api.url, OWN_PORTS=f"localhost:{other.port}"
        )
        assert not other.served
    assert here[:2] == path[:2] == listed[:2] == [200, None]
    assert there[1].endswith(f"a redirect to {other.url} is not followed: it is a port of this cluster")
    assert cluster[1].endswith(" is not followed: it is a port of this cluster")


@pytest.mark.parametrize("kind", LOCUSTS_KINDS)
def test_a_redirect_to_a_long_host_has_a_short_text(api: hostile.HostileApi, kind: str) -> None:
    location = f"http://{'h' * 5000}.example/"
    ((_status, error, _length),) = run(
        "print(json.dumps(get(sys.argv[1])))", kind, f"/to?to={location}", HOST=api.url
    )
    assert "is not followed: it is not in ALLOW_TARGETS" in error
    assert error.count("h") < 150


@pytest.mark.parametrize("kind", KINDS)
def test_other_greenlets_run_while_a_long_body_is_received(api: hostile.HostileApi, kind: str) -> None:
    """Also where it comes in the smallest parts, and decoding takes long."""
    program = """
steps = []
def step():
    while True:
        steps.append(1)
        gevent.sleep(0)
gevent.spawn(step)
for path in ("/endless", "/endless-chunks", "/gzip"):
    steps.clear()
    get(path)
    print(json.dumps(len(steps)))
"""
    assert all(steps > 20 for steps in run(program, kind, HOST=api.url, MOST="2000000"))


@pytest.mark.parametrize("kind", LOCUSTS_KINDS)
def test_a_user_keeps_few_cookies(api: hostile.HostileApi, kind: str) -> None:
    """Those that it has can change; a long one is ignored."""
    api.answers["new"] = hostile.answer(b"", b"Set-Cookie: first=2")
    api.answers["old"] = hostile.answer(b"", b"Set-Cookie: first=1")
    api.answers["long"] = hostile.answer(b"", b"Set-Cookie: long=" + b"x" * 9000)
    program = """
cookie_limits.MOST_COOKIES = 20  # as 200 requests take long
client = Visitor(environment).client
jar = client.cookies if hasattr(client, "cookies") else client.cookiejar
for path in ("/old", "/long", *("/cookies" for _ in range(cookie_limits.MOST_COOKIES + 50)), "/new"):
    client.get(path)
print(json.dumps([cookie.name for cookie in jar]))
print(json.dumps([cookie.value for cookie in jar if cookie.name == "first"]))
"""
    names, first = run(program, kind, HOST=api.url)
    assert len(names) == 20
    assert "long" not in names
    assert first == ["2"]
