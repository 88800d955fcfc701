"""The probe of a host before users are sent there: one HEAD request."""

from __future__ import annotations

import ssl
import urllib.request
from http.client import HTTPException, InvalidURL
from urllib.error import HTTPError

from stampede.sampling.target_client import opener

PROBE_TIMEOUT = 5.0
"""Seconds to wait for a response of the host."""


def why_silent(host: str) -> str | None:
    """Return why no server listens at a host; None if one does, whatever it answers.

    The probe is no stricter than users are: it does not verify a certificate, and a server that closes the
    connection or speaks another protocol counts too. The request is a HEAD, which users never send, so that
    it is not counted as a user's request.
    """
    try:
        request = urllib.request.Request(host, method="HEAD")
        opener.open(request, timeout=PROBE_TIMEOUT).close()
    except (OSError, HTTPException, ValueError) as error:
        return None if _is_of_a_server(error) else str(getattr(error, "reason", error)).strip()
    return None


def _is_of_a_server(error: Exception) -> bool:
    """Return whether an error of the probe shows that a server has accepted the connection, and responded."""
    if isinstance(error, HTTPError):
        return True
    cause = getattr(error, "reason", error)
    if isinstance(cause, InvalidURL) or "timed out" in str(cause):  # gevent's time-out of TLS is an SSLError
        return False
    return isinstance(cause, HTTPException | ssl.SSLError | ConnectionResetError | BrokenPipeError)
