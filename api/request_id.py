"""An id for each request, in the answer's header and in each log line about the request."""

from __future__ import annotations

import re
import secrets
from itertools import count

from falcon import Request, Response

HEADER = "X-Request-ID"
#: A client may send its own id for tracing; an id that does not match is replaced.
ACCEPTABLE = re.compile(r"[\w.:+/=-]{1,128}", re.ASCII)


class RequestIdMiddleware:
    """The middleware that sets the id: a random part for the process, and a number. A UUID costs far more."""

    def __init__(self) -> None:
        self._process = secrets.token_hex(4)
        self._numbers = count(1)

    def process_request(self, request: Request, response: Response) -> None:
        """Set the id in the request's context and in the answer's header."""
        request_id = request.env.get("HTTP_X_REQUEST_ID")
        if request_id is None or not ACCEPTABLE.fullmatch(request_id):
            request_id = f"{self._process}-{next(self._numbers):x}"
        request.context.id = request_id
        response.set_header(HEADER, request_id)
