"""The probe of a host before users are sent there: one HEAD request."""

from __future__ import annotations

import ssl
import urllib.request
from http.client import HTTPException, InvalidURL
from urllib.error import HTTPError

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
        _opener.open(request, timeout=PROBE_TIMEOUT).close()
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


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A handler that does not follow redirects: they may lead to a host that is not allowed."""

    def redirect_request(self, *_: object) -> None:
        return None


def _any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # users may trust it, or verify none
    return context


_opener = urllib.request.build_opener(
    _NoRedirects,
    urllib.request.ProxyHandler({}),  # users use no proxy
    urllib.request.HTTPSHandler(context=_any_certificate()),
)
