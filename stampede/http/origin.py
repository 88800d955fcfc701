"""Where requests are sent to."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """A server: all requests to it can use the same connections."""

    scheme: str
    host: str
    port: int


@lru_cache(1000)
def origin_and_path(url: str) -> tuple[Origin, str]:
    """Return the origin of a URL, and its path with the query. Raises ValueError."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is no address of HTTP: it begins with http:// or https://, and has a host")
    path = parts._replace(scheme="", netloc="", fragment="").geturl()
    return Origin(scheme, parts.hostname, parts.port or DEFAULT_PORTS[scheme]), path


@cache
def host_line(origin: Origin) -> str:
    """Return the line of a head that names the origin."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    port = "" if origin.port == DEFAULT_PORTS[origin.scheme] else f":{origin.port}"
    return f"Host: {host}{port}\r\n"
