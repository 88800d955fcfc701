"""The client of one user: sends requests, keeps its connections, and reports each request to Locust."""

from __future__ import annotations

import logging
import re
import ssl
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import gevent
from locust.contrib.fasthttp import LocustBadStatusCode

from stampede.http.connection import Connection
from stampede.http.decoding import decoded_by
from stampede.http.errors import RedirectError
from stampede.http.limits import MOST_OF_BODY
from stampede.http.origin import Origin, origin_and_path
from stampede.http.receiver import RawAnswer
from stampede.http.request import Content, Params, basic_auth, request_bytes, target_of, verb
from stampede.http.response import Response

logger = logging.getLogger(__name__)

SUCCEEDS = frozenset({200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 304})
"""Statuses of requests that succeed, as with FastHttpUser."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})

ABSOLUTE = re.compile("https?://", re.IGNORECASE)
NOTHING: Mapping[str, Any] = {}


class FastSession:
    """Sends the requests of a user, each of them once: the server may have received one that failed."""

    def __init__(
        self,
        base_url: str,
        request_event: Any,
        user: Any = None,
        *,
        connection_timeout: float = 60.0,
        network_timeout: float = 60.0,
        insecure: bool = True,
        max_body_size: int = MOST_OF_BODY,
        default_headers: Mapping[str, str] | None = None,
        ssl_context_factory: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """Take the attributes of FastUser. Raises ValueError if `base_url` is no address of HTTP."""
        self.user, self.request_event = user, request_event
        self.request_name: str | None = None
        self.valid_response_codes = SUCCEEDS
        self._connection_timeout, self._network_timeout = connection_timeout, network_timeout
        self._most_of_body = max_body_size
        self._context = ssl_context_factory or (_unverified_context if insecure else _verified_context)
        self._default_headers = dict(default_headers or {})
        self._idle: defaultdict[Origin, list[Connection]] = defaultdict(list)
        parts = urlsplit(base_url)
        self.base_url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
        self._origin, self._path = origin_and_path(self.base_url)
        self._auth = (
            basic_auth(unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        )

    def request(
        self,
        method: str,
        url: str,
        name: str | None = None,
        data: Content = None,
        catch_response: bool = False,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str | bytes, str | bytes] | None = None,
        json: Any = None,
        allow_redirects: bool = True,
        context: Mapping[str, Any] = NOTHING,
        params: Params = None,
        **unknown: Any,
    ) -> Response:
        """Send a request, and return the answer; a request that fails has an `error`.

        The arguments are those of FastHttpUser's client, without `stream` and `files`: these raise TypeError.
        Raises ValueError for a URL or a header that cannot be sent.
        """
        for option, value in unknown.items():
            if value:  # unlike stream=False
                raise TypeError(f"FastUser has no '{option}': use FastHttpUser for this request")
        full_url = self._build_url(url)
        origin, path = (self._origin, self._path + url) if full_url is not url else origin_and_path(url)
        given = {**self._default_headers, **(headers or NOTHING)} if self._default_headers else headers
        authorization = basic_auth(*auth) if auth else self._auth
        sent_method, target = verb(method), target_of(path, params)
        request = request_bytes(sent_method, origin, target, given or NOTHING, data, json, authorization)
        start_time, began = time.time(), time.perf_counter()
        answer, content = None, None
        error: BaseException | None = None
        try:
            answer = self._exchange(origin, request, sent_method == "HEAD")
            if answer.error:
                raise answer.error
            content = self._content(answer)
        except (OSError, zlib.error, gevent.Timeout) as failed:
            error = failed.with_traceback(None)  # it may be kept for a while, and with it all it went through
            error.__context__ = None
        response_time = (time.perf_counter() - began) * 1000
        if answer and answer.status and answer.status not in self.valid_response_codes:
            error = _why_failed(answer.status, full_url, allow_redirects) or error
        meta: dict[str, Any] = {
            "request_type": method,
            "name": name or self.request_name or url,
            "context": {**self.user.context(), **context} if self.user else context,
            "exception": error,
            "start_time": start_time,
            "url": full_url,
            "response_length": len(content or b""),
            "response_time": response_time,
        }
        response = Response(meta, request, answer, content)
        if catch_response:
            response.catch(self.request_event)
        else:
            self.request_event.fire(**meta, response=response)
        return response

    def get(self, url: str, **options: Any) -> Response:
        """Send a GET request."""
        return self.request("GET", url, **options)

    def head(self, url: str, **options: Any) -> Response:
        """Send a HEAD request."""
        return self.request("HEAD", url, **options)

    def options(self, url: str, **options: Any) -> Response:
        """Send an OPTIONS request."""
        return self.request("OPTIONS", url, **options)

    def delete(self, url: str, **options: Any) -> Response:
        """Send a DELETE request."""
        return self.request("DELETE", url, **options)

    def post(self, url: str, data: Content = None, json: Any = None, **options: Any) -> Response:
        """Send a POST request."""
        return self.request("POST", url, data=data, json=json, **options)

    def put(self, url: str, data: Content = None, **options: Any) -> Response:
        """Send a PUT request."""
        return self.request("PUT", url, data=data, **options)

    def patch(self, url: str, data: Content = None, **options: Any) -> Response:
        """Send a PATCH request."""
        return self.request("PATCH", url, data=data, **options)

    @contextmanager
    def rename_request(self, name: str) -> Iterator[None]:
        """Give all requests in a `with` block a name."""
        self.request_name = name
        try:
            yield
        finally:
            self.request_name = None

    def close(self) -> None:
        """Close all connections that are not in use."""
        for connections in self._idle.values():
            while connections:
                connections.pop().close()

    def __del__(self) -> None:
        self.close()  # else the event loop would keep them

    def _exchange(self, origin: Origin, request: bytes, is_head: bool) -> RawAnswer:
        idle = self._idle[origin]
        while idle:
            connection = idle.pop()
            if connection.is_open:
                break
        else:
            context = self._context() if origin.scheme == "https" else None
            connection = Connection(origin, self._connection_timeout, self._network_timeout, context)
        answer = connection.exchange(request, is_head, self._most_of_body)
        if connection.is_open:
            idle.append(connection)
        return answer

    def _content(self, answer: RawAnswer) -> bytes:
        """Return the decoded body. Raises AnswerError and zlib.error."""
        encoding = "identity"
        for name, value in answer.headers:
            match name.lower():
                case b"content-encoding":
                    encoding = value.decode("latin-1")
                case b"set-cookie":
                    _warn_once_of_cookies()
        return decoded_by(encoding, bytes(answer.body), self._most_of_body)

    def _build_url(self, url: str) -> str:
        return url if ABSOLUTE.match(url) else f"{self.base_url}{url}"


def _why_failed(status: int, url: str, allow_redirects: bool) -> Exception | None:
    if status not in REDIRECTS:
        error: Exception = LocustBadStatusCode(url, code=status)
        return error
    if allow_redirects:
        return RedirectError("FastUser follows no redirect: use FastHttpUser, or allow_redirects=False")
    return None


@cache
def _unverified_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@cache
def _verified_context() -> ssl.SSLContext:
    return ssl.create_default_context()


@cache
def _warn_once_of_cookies() -> None:
    logger.warning("stampede: FastUser keeps no cookies: use FastHttpUser where the API needs them")
