"""The probe of a host before users are sent there: one HEAD request."""

from __future__ import annotations

import ssl
from http.client import HTTPException, InvalidURL

from stampede.sampling import target_client

PROBE_TIMEOUT = 5.0
"""Seconds to wait for a response of the host."""


def why_silent(host: str) -> str | None:
    """Return why no server listens at a host; None if one does, whatever it answers.

    The probe is no stricter than users are: it does not verify a certificate, and a server that closes the
    connection or speaks another protocol counts too. The request is a HEAD, which users never send, so that
    it is not counted as a user's request.
    """
    try:
        target_client.fetch(host, "HEAD", seconds=PROBE_TIMEOUT, most_bytes=0)
    except InvalidURL as error:
        return str(error)
    except (HTTPException, ssl.SSLError, ConnectionResetError, BrokenPipeError):
        return None  # a server has accepted the connection
    except OSError as error:
        return str(error).strip()
    return None
