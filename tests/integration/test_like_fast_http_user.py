"""FastUser sends what FastHttpUser sends, and reads answers as it does.

docs/own-api.md lists the differences.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gevent.server import StreamServer
from locust import FastHttpUser

from stampede import FastUser
from tests.integration.visitors import visiting

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
APART = ("user-agent", "connection")
"""Headers that differ."""


class Server:
    """Keeps the bytes of requests, whose bodies have a Content-Length, and answers each with `answer`."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, list[str], bytes]] = []
        self.answer = OK
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def _serve(self, connection: Any, _address: object) -> None:
        with connection.makefile("rb") as lines:
            if line := lines.readline().decode("latin-1").strip():
                head = list(iter(lambda: lines.readline().decode("latin-1").strip(), ""))
                lengths = [each[15:] for each in head if each.lower().startswith("content-length:")]
                self.requests.append((line, head, lines.read(int(lengths[0])) if lengths else b""))
                connection.sendall(self.answer)

    def stop(self) -> None:
        self._server.stop()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def sent(server: Server, kind: type[Any], method: str, url: str, **options: Any) -> Any:
    """The request that is sent: its line, the lines of its head in any order, its body.

    Options with capital letters are attributes of the user class.
    """
    server.requests.clear()
    attributes = {name.lower(): options.pop(name) for name in list(options) if name.isupper()}
    with visiting(kind, **{"host": server.url} | attributes) as visitor:
        visitor.client.request(method, url, **options)
    ((line, head, body),) = server.requests
    pairs = [each.partition(":")[::2] for each in head]
    return line, sorted((name.lower(), value) for name, value in pairs if name.lower() not in APART), body


REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a method in small letters": ("get", "/", {}),
    "HEAD in small letters": ("head", "/", {}),
    "a method with a dash": ("M-SEARCH", "/", {}),
    "text": ("POST", "/", {"data": "ä"}),
    "bytes": ("PUT", "/", {"data": b"\xff"}),
    "text with its type": ("PATCH", "/", {"data": "a", "headers": {"content-type": "text/x"}}),
    "a form": ("POST", "/", {"data": {"a": "1 2", "b": "ä", "c": 3}}),
    "JSON": ("POST", "/", {"json": {"a": "ä"}}),
    "empty JSON": ("PUT", "/", {"json": {}}),
    "JSON with GET": ("GET", "/", {"json": [1]}),
    "JSON and data": ("POST", "/", {"data": "a", "json": {"a": 1}}),
    "JSON with its type": ("POST", "/", {"json": 1, "headers": {"accept": "a/b", "content-type": "c/d"}}),
    "data with DELETE": ("DELETE", "/", {"data": "a"}),
    "no data": ("POST", "/", {}),
    "its length": ("POST", "/", {"data": "ab", "headers": {"content-length": "2"}}),
    "credentials": ("GET", "/", {"auth": ("a", "b")}),
    "credentials in bytes": ("GET", "/", {"auth": (b"a", b"\xff")}),
    "credentials and a header": ("GET", "/", {"auth": ("a", "b"), "headers": {"authorization": "x"}}),
    "another host in the head": ("GET", "/", {"headers": {"host": "other.example"}}),
    "a header that is a number": ("GET", "/", {"headers": {"X-Number": 5}}),
    "a header twice": ("GET", "/", {"headers": {"X-A": "1", "x-a": "2"}}),
    "a header in Latin-1": ("GET", "/", {"headers": {"X-A": "ä"}}),
    "fields of a query": ("GET", "/?z=1", {"params": {"a": 1, "b": ["x", "y"], "c": None, "d": "ä &"}}),
    "pairs of a query": ("GET", "/", {"params": [("a", 1), ("a", 2)]}),
    "a query as text": ("GET", "/", {"params": "a=1&b=2"}),
    "a query and a fragment": ("GET", "/a#b", {"params": {"c": 1}}),
    "a path to be quoted": ("GET", '/ä b?x="<>\\^`{|}&y[]=a+b%20', {}),
    "dots and slashes": ("GET", "/a/../b/./c//d;e=1", {}),
    "no path": ("GET", "", {}),
    "only a query": ("GET", "?a=1", {}),
    "an absolute URL": ("GET", "HTTP://HOST/a", {}),
}


@pytest.mark.parametrize(("method", "url", "options"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_is_the_same(server: Server, method: str, url: str, options: dict[str, Any]) -> None:
    url = url.replace("HOST", server.url.removeprefix("http://"))
    ours = sent(server, FastUser, method, url, **options)
    assert ours == sent(server, FastHttpUser, method, url, **options)


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        ("http://me:p%20ss@{}", {"Authorization": "Bearer x"}),
        ("http://{}/base", {"X-A": "1"}),
        ("HTTP://{}", {"x-of-each": "request", "Accept-Encoding": "identity"}),
    ],
)
def test_the_attributes_of_a_class_have_the_same_effect(
    server: Server, host: str, headers: dict[str, str]
) -> None:
    """A header of one request replaces that of each, in any case."""
    attributes = {
        "HOST": host.format(server.url.removeprefix("http://")),
        "DEFAULT_HEADERS": {"X-Of-Each": "class"},
    }
    ours = sent(server, FastUser, "GET", "/a", headers=headers, **attributes)
    assert ours == sent(server, FastHttpUser, "GET", "/a", headers=headers, **attributes)


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


ANSWERS = {
    "Latin-1 by its type": answer(b"\xe4", b"Content-Type: text/html"),
    "a charset": answer("ä".encode(), b'Content-Type: text/html; charset="utf-8"'),
    "no type": answer("äöüß".encode()),
    "nothing": answer(b""),
    "JSON": answer(b'{"a": [1]}', b"Content-Type: application/json"),
    "JSON that is not UTF-8": answer(b'"\xff"', b"Content-Type: application/json"),
    "JSON with a charset": answer(b'"\xe4"', b"Content-Type: application/json; charset=latin-1"),
    "JSON in UTF-16": answer('"a"'.encode("utf-16"), b"Content-Type: application/json; charset=utf-16"),
    "no JSON": answer(b"<html>", b"Content-Type: application/json"),
    "headers twice": answer(b"", b"X-A: 1", b"x-a: 2"),
    "gzip": answer(gzip.compress(b"x" * 99), b"Content-Encoding: GZIP"),
    "an error": answer(gzip.compress(b"wrong"), b"Content-Encoding: gzip", status=b"503 Busy"),
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    "300": answer(b"", status=b"300 Choose"),
    "401": answer(b"", b"WWW-Authenticate: Basic", status=b"401 Who"),
    "999": answer(b"", status=b"999 Odd"),
    "no reason": answer(b"", status=b"200"),
    "HTTP/1.0 without a length": b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    "an unknown transfer encoding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nuntil the end",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n",
    "interim answers": b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK,
    "an offer of another protocol": answer(b"x", b"Connection: upgrade", b"Upgrade: h2c"),
}


def _into(reported: list[dict[str, Any]]) -> Callable[..., None]:
    return lambda **request: reported.append(request)


def tried(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except ValueError as error:
        return type(error)


@pytest.mark.parametrize("content", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_read_the_same(server: Server, content: bytes) -> None:
    server.answer = content
    read = []
    for kind in (FastUser, FastHttpUser):
        reported: list[dict[str, Any]] = []
        with visiting(kind, host=server.url) as visitor:
            visitor.environment.events.request.add_listener(_into(reported))
            response = visitor.client.get("/a", params={"b": 1}, name="named")
        (request,) = reported
        assert request.pop("response") is response
        read.append(
            [
                *(response.status_code, response.ok, response.content, response.text),
                *(response.headers, response.headers.get("X-A"), response.url),
                *(response.request.url, response.request.method, tried(response.json)),
                *(
                    str(request.pop("exception")),
                    request.pop("start_time") > 0,
                    request.pop("response_time") > 0,
                ),
                request,
            ]
        )
    assert read[0] == read[1]


def test_a_response_has_its_request(server: Server) -> None:
    """Unlike that of FastHttpUser, its body is always of bytes."""
    with visiting(FastUser, host=server.url) as visitor:
        response = visitor.client.post("/a", json={"b": 1}, headers={"X-C": "d: e"})
    request = response.request
    assert (request.url, request.method, request.body) == (f"{server.url}/a", "POST", b'{"b": 1}')
    assert (request.headers["x-c"], request.headers.get("Content-Type")) == ("d: e", "application/json")


MADE_UP = ("text/x; charset=made-up", "text/x; charset=idna", "a/b\r\nContent-Type: c/d")


@pytest.mark.parametrize("media_type", MADE_UP)
def test_no_media_type_raises_an_exception(server: Server, media_type: str) -> None:
    """The API may have made it up. FastHttpUser raises one in `text`, so in `rest()` too."""
    server.answer = answer(b"x", f"Content-Type: {media_type}".encode())
    with visiting(FastUser, host=server.url) as visitor:
        assert visitor.client.get("/").text == "x"


@pytest.mark.parametrize("encoding", [b"", b"x-gzip"])
def test_an_odd_name_of_an_encoding_is_known(server: Server, encoding: bytes) -> None:
    server.answer = answer(gzip.compress(b"x") if encoding else b"x", b"Content-Encoding: " + encoding)
    with visiting(FastUser, host=server.url) as visitor:
        response = visitor.client.get("/")
    assert (response.content, response.error) == (b"x", None)


def test_a_body_that_is_no_text_fails_rest_and_is_counted(server: Server) -> None:
    """It is JSON neither in UTF-8 nor as its type says."""
    server.answer = answer(b"\xe4", b"Content-Type: text/html")
    reported: list[dict[str, Any]] = []
    with visiting(FastUser, host=server.url) as visitor:
        visitor.environment.events.request.add_listener(_into(reported))
        with visitor.rest("GET", "/") as response:
            assert response.js is None
    assert [str(request["exception"])[:32] for request in reported] == ["Could not parse response as JSON"]


def test_data_that_cannot_be_sent_is_refused(server: Server) -> None:
    with visiting(FastUser, host=server.url) as visitor:
        with pytest.raises(
            TypeError, match="FastUser sends text, bytes or fields, not list_iterator: use FastH"
        ):
            visitor.client.post("/", data=iter([b"a"]))
        with pytest.raises(ValueError, match="'G ET' is no method of HTTP"):
            visitor.client.request("G ET", "/")
    assert not server.requests


@pytest.mark.parametrize(("attribute", "value"), [("proxy_host", "proxy.example"), ("client_pool", object())])
def test_an_attribute_that_only_fast_http_user_has_is_refused(attribute: str, value: object) -> None:
    """It is not ignored: requests would not go through the proxy."""
    with (
        pytest.raises(TypeError, match=f"FastUser has no '{attribute}': use FastHttpUser"),
        visiting(FastUser, host="http://127.0.0.1:9", **{attribute: value}),
    ):
        pass
