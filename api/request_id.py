"""An id for every request: the answer carries it, and so does what is logged about it."""

from __future__ import annotations

import re
import secrets
from itertools import count

from falcon import Request, Response

HEADER = "X-Request-ID"
#: What a client may have put there for its own tracing.
ACCEPTABLE = re.compile(r"[\w.:+/=-]{1,128}", re.ASCII)


class RequestId:
    """Middleware: a random part for the process and a number, far cheaper than a UUID."""

    def __init__(self) -> None:
        self._process = secrets.token_hex(4)
        self._numbers = count(1)

    def process_request(self, request: Request, response: Response) -> None:
        given = request.env.get("HTTP_X_REQUEST_ID")
        if given is None or not ACCEPTABLE.fullmatch(given):
            given = f"{self._process}-{next(self._numbers):x}"
        request.context.id = given
        response.set_header(HEADER, given)
