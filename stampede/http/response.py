"""What a user gets for a request. Has the attributes of FastHttpUser's responses."""

from __future__ import annotations

import json
from functools import cached_property
from types import TracebackType
from typing import Any, cast

from charset_normalizer import detect
from geventhttpclient.header import Headers
from locust.exception import CatchResponseError, LocustError, ResponseError
from requests.utils import get_encoding_from_headers

from stampede.http.receiver import RawAnswer
from stampede.http.request import SentRequest


class Response:
    """The answer to a request, or the error for which there is none.

    With `catch_response=True` it is used in a `with` block, in which `success()` or `failure()` decide how
    the request counts. Otherwise it fails where it has an `error`.
    """

    _manual_result: bool | Exception | None = None
    _entered = _catch_response = False
    _request_event: Any = None
    encoding: str | None = None
    """The encoding of `text`, if it is set before `text` is read; else that of the headers, or a guess."""

    def __init__(
        self, meta: dict[str, Any], sent: bytes, answer: RawAnswer | None, content: bytes | None
    ) -> None:
        """Take the arguments of Locust's request event; `exception` is what has failed the request.

        `sent` are the bytes of the request.
        """
        self.request_meta = meta
        self._sent = sent
        self.error: Any = meta["exception"]
        self.status_code = answer.status if answer else 0
        self.content = content
        self._raw_headers = answer.headers if answer and answer.status else None

    @property
    def _cached_content(self) -> bytes | None:
        """The body, under the name that samples of errors look for."""
        return self.content

    @property
    def url(self) -> str:
        """The URL of the request."""
        return str(self.request_meta["url"])

    @cached_property
    def request(self) -> SentRequest:
        """The request as it was sent."""
        return SentRequest(self.url, self._sent)

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status_code < 400

    @cached_property
    def headers(self) -> Headers | None:
        """The headers, whose names are in any case; None without an answer."""
        if self._raw_headers is None:
            return None
        headers = Headers()
        for name, value in self._raw_headers:
            headers.add(name.decode("latin-1"), value.decode("latin-1"))
        return headers

    @property
    def text(self) -> str | None:
        """The body as text; None without an answer, or where its encoding is not known."""
        if self.content is None:
            return None
        media_types = [value for name, value in self._raw_headers or () if name.lower() == b"content-type"]
        media_type = {"content-type": media_types[0].decode("latin-1")} if media_types else {}
        encoding = (
            self.encoding
            or get_encoding_from_headers(cast(Any, media_type))
            or detect(self.content)["encoding"]
        )
        try:
            return None if encoding is None else str(self.content, str(encoding), errors="replace")
        except (LookupError, UnicodeError):  # the API has made it up
            return str(self.content, errors="replace")

    def json(self) -> Any:
        """Return the body, which is JSON. Raises ValueError for other bodies."""
        try:
            return json.loads(self.content or b"")
        except UnicodeDecodeError:
            return json.loads(self.text or "")

    def raise_for_status(self) -> None:
        """Raise what has failed the request."""
        if isinstance(self._manual_result, Exception):
            raise self._manual_result
        if not self._manual_result and self.error:
            raise self.error

    def catch(self, request_event: Any) -> None:
        """Let a `with` block decide how the request counts, and report it afterwards."""
        self._catch_response, self._request_event = True, request_event

    def __enter__(self) -> Response:
        if not self._catch_response:
            raise LocustError(
                "In order to use a with-block for requests, you must also pass catch_response=True"
            )
        self._entered = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._manual_result is None:
            if kind is not None:
                if not isinstance(error, ResponseError):
                    return False
                self.request_meta["exception"] = error
            self._report_request()
            return True
        self.request_meta["exception"] = None if self._manual_result is True else self._manual_result
        self._report_request()
        return kind is None

    def _report_request(self) -> None:
        self._request_event.fire(**self.request_meta, response=self)

    def success(self) -> None:
        """Let the request count as successful."""
        self._check_entered()
        self._manual_result = True

    def failure(self, exc: object) -> None:
        """Let the request count as failed. `exc` is an exception, or what is wrong."""
        self._check_entered()
        self._manual_result = exc if isinstance(exc, Exception) else CatchResponseError(exc)

    def _check_entered(self) -> None:
        if not self._entered:
            raise LocustError(
                "In order to change the state of a request, use a with-block and pass catch_response=True"
            )
