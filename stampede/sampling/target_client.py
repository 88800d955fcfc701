"""A client of the target for requests that are not the users'. It is no stricter than users are."""

from __future__ import annotations

import ssl
import urllib.request


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A handler that does not follow redirects: they may lead to a host that is not allowed."""

    def redirect_request(self, *_: object) -> None:
        return None


def _any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # users may trust it, or verify none
    return context


opener = urllib.request.build_opener(
    _NoRedirects,
    urllib.request.ProxyHandler({}),  # users use no proxy
    urllib.request.HTTPSHandler(context=_any_certificate()),
)
