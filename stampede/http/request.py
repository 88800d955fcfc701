"""The bytes of a request."""

from __future__ import annotations

import json as json_module
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast
from urllib.parse import quote, urlencode

from geventhttpclient.header import Headers

from stampede.http.origin import Origin, host_line

Fields = Mapping[str, Any] | Sequence[tuple[str, Any]]
"""The fields of a form or of a query."""

Content = str | bytes | bytearray | memoryview | Fields | None
"""A body: as it is, or the fields of a form."""

Params = str | Fields | None
"""A query. A field that is None is not sent."""

PLAIN_PATH = re.compile(r"[\w/%?&=+:;,@!$'()*~.[\]-]+", re.ASCII)
"""A path that can be sent as it is."""

JSON = "application/json"
AGENT = "User-Agent: stampede\r\n"
ENCODINGS = "Accept-Encoding: gzip, deflate, br\r\n"


class SentRequest:
    """A request as it was sent. Has the attributes of FastHttpUser's requests; `body` is of bytes."""

    def __init__(self, url: str, sent: bytes) -> None:
        """Parse the bytes of a request."""
        head, _, self.body = sent.partition(b"\r\n\r\n")
        line, *headers = head.decode("latin-1").split("\r\n")
        self.url, self.method = url, line.partition(" ")[0]
        self.headers = Headers(cast(Any, [header.split(": ", 1) for header in headers]))


@lru_cache(100)
def verb(method: str) -> str:
    """Return a method as it is sent. Raises ValueError for characters that HTTP does not allow."""
    if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", method, re.ASCII):
        raise ValueError(f"{method!r} is no method of HTTP")
    return method.upper()


def target_of(path: str, params: Params) -> str:
    """Return a path with its query as it is sent."""
    if params:
        path = path.partition("#")[0]
        path += ("&" if "?" in path else "?") + (params if isinstance(params, str) else _query(params))
    if not PLAIN_PATH.fullmatch(path):
        path = quote(path.partition("#")[0], safe="/%?&=+:;,@!$'()*~[]") or "/"
    return path if path.startswith("/") else f"/{path}"


def _query(params: Fields) -> str:
    fields = params.items() if isinstance(params, Mapping) else params
    return urlencode([(name, value) for name, value in fields if value is not None], doseq=True)


def request_bytes(
    method: str,
    origin: Origin,
    target: str,
    headers: Mapping[str, str],
    data: Content,
    json: Any,
    authorization: str | None,
) -> bytes:
    """Return the bytes of a request. Headers that are given replace those that it has otherwise.

    `authorization` replaces a header. Raises ValueError for characters that HTTP does not allow, and
    TypeError for data that cannot be sent.
    """
    body, media_type = _body(data, json)
    lines = {name.lower(): f"{name}: {value}\r\n" for name, value in headers.items()}
    lines.setdefault("accept-encoding", ENCODINGS)
    lines.setdefault("user-agent", AGENT)
    if media_type:
        lines.setdefault("content-type", f"Content-Type: {media_type}\r\n")
    if media_type == JSON:
        lines.setdefault("accept", f"Accept: {JSON}\r\n")
    if authorization:
        lines["authorization"] = f"Authorization: {authorization}\r\n"
    if body or method in ("POST", "PUT", "PATCH"):
        lines.setdefault("content-length", f"Content-Length: {len(body)}\r\n")
    lines.setdefault("host", host_line(origin))
    head = "".join(lines.values())
    if head.count("\n") != len(lines) or head.count("\r") != len(lines):
        raise ValueError("a header has characters that HTTP does not allow")
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def basic_auth(user: str | bytes, password: str | bytes) -> str:
    """Return the value of the header Authorization."""
    pair = [part.encode("latin-1") if isinstance(part, str) else part for part in (user, password)]
    return "Basic " + b64encode(b":".join(pair)).decode()


def _body(data: Content, json: Any) -> tuple[bytes, str | None]:
    """Return the body of a request, and its media type where the user gives none: those of FastHttpUser."""
    if not data:
        return (b"", None) if json is None else (json_module.dumps(json).encode(), JSON)
    if isinstance(data, str):
        return data.encode(), "text/plain; charset=utf-8"
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data), "application/octet-stream"
    if isinstance(data, Mapping | list | tuple):
        return urlencode(data, doseq=True).encode(), "application/x-www-form-urlencoded; charset=utf-8"
    raise TypeError(f"FastUser sends text, bytes or fields, not {type(data).__name__}: use FastHttpUser")
