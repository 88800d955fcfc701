"""The bytes of a request."""

from __future__ import annotations

import json as json_module
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from stampede.http.origin import Origin, host_line

Content = bytes | str | Mapping[str, Any] | None
"""A body: as it is, or the fields of a form."""

PLAIN_PATH = re.compile(r"[!-\"$-~]+")
"""A path that can be sent as it is: printable ASCII without a fragment."""

AGENT = "User-Agent: stampede\r\n"
ENCODINGS = "Accept-Encoding: gzip, deflate, br\r\n"


def target_of(path: str, params: Mapping[str, Any] | None) -> str:
    """Return a path with its query as it is sent."""
    if not PLAIN_PATH.fullmatch(path):
        path = quote(path.partition("#")[0], safe="/%?&=+:;,@!$'()*~[]") or "/"
    if params:
        path += ("&" if "?" in path else "?") + urlencode(params, doseq=True)
    return path if path.startswith("/") else f"/{path}"


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

    Raises ValueError for characters that HTTP does not allow.
    """
    body, media_type = _body(data, json)
    names = {name.lower() for name in headers}
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    if "accept-encoding" not in names:
        lines.append(ENCODINGS)
    if "user-agent" not in names:
        lines.append(AGENT)
    if media_type and "content-type" not in names:
        lines.append(f"Content-Type: {media_type}\r\n")
    if json is not None and not data and "accept" not in names:
        lines.append("Accept: application/json\r\n")
    if authorization:
        lines.append(f"Authorization: {authorization}\r\n")
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}\r\n")
    if "host" not in names:
        lines.append(host_line(origin))
    head = "".join(lines)
    if head.count("\n") != len(lines) or head.count("\r") != len(lines) or not method.isalpha():
        raise ValueError("the method or a header has characters that HTTP does not allow")
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def basic_auth(user: str, password: str) -> str:
    """Return the value of the header Authorization."""
    return "Basic " + b64encode(f"{user}:{password}".encode("latin-1")).decode()


def _body(data: Content, json: Any) -> tuple[bytes, str | None]:
    """Return the body of a request, and its media type where it is not the user's choice."""
    if not data and json is not None:
        return json_module.dumps(json).encode(), "application/json"
    if isinstance(data, bytes):
        return data, None
    if isinstance(data, str):
        return data.encode(), None
    if data:
        return urlencode(data, doseq=True).encode(), "application/x-www-form-urlencoded"
    return b"", None
