"""The check of every request to the master's web server, before a route is called.

It refuses requests that a page of another site makes a browser send, requests to a host name that is not this
machine's, and targets that are not allowed.

In the Host field of the form, localhost is the user's machine: in containers it is replaced by the name that
they reach that machine by (STAMPEDE_LOCALHOST).
"""

from __future__ import annotations

import ipaddress
import os

from flask import Response, jsonify, request
from locust.web import WebUI
from werkzeug.datastructures import Headers, ImmutableMultiDict

from stampede.cluster.allowed_targets import AllowedTargets, reachable

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

TARGET_ENDPOINTS = {"locust.swarm", "locust.update_user", "stampede.start"}
"""The routes whose request may name the host that users are sent to."""


def add(web_ui: WebUI, allowed: AllowedTargets) -> None:
    """Check the requests to all routes of Locust's web UI, also to routes that are added later."""
    this_machine = os.environ.get("STAMPEDE_LOCALHOST", "")

    @web_ui.app.before_request
    def refuse() -> tuple[Response, int] | None:
        if not web_ui.web_login and not is_this_machine(request.headers.get("Host")):
            advice = "open localhost, or set UI_USER and UI_PASSWORD"
            return _refused(f"{request.host} is not a name of this machine: {advice}"), 403
        if request.method not in SAFE_METHODS and is_cross_site(request.headers):
            return _refused("a page of another site sent this request: it is refused"), 403
        if request.endpoint in TARGET_ENDPOINTS and (host := requested_host()):
            is_form = request.endpoint == "locust.swarm"
            in_cluster = reachable(host, this_machine) if is_form else host
            if not (allowed.allows(host) or allowed.allows(in_cluster)):
                # Locust's page shows the message of a status 200 only; with another status it breaks.
                return _refused(_not_allowed(host)), 200 if is_form else 409
            if in_cluster != host:
                _replace_host(in_cluster)
        if request.endpoint == "locust.update_user" and _sets_proxy():
            return _refused("a proxy cannot be set here: the load would hit the proxy"), 409
        return None

    @web_ui.app.after_request
    def set_security_headers(response: Response) -> Response:
        # Another site must not show our page in a frame: a click on that site would be a click on Start.
        response.headers["Content-Security-Policy"] = "frame-ancestors 'self'"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        return response


def _not_allowed(host: str) -> str:
    if "://" in host:
        return f"{host} is not an allowed target: start the cluster with ALLOW_TARGETS={host}"
    port = "" if ":" in host else ":9000"
    return f"HOST must be a URL, got '{host}': use http://{host}{port}"


def _replace_host(host: str) -> None:
    """Replace the host in the request's form, before Locust reads it."""
    others = [(name, value) for name, value in request.form.items(multi=True) if name != "host"]
    request.form = ImmutableMultiDict([*others, ("host", host)])


def _refused(message: str) -> Response:
    return jsonify(success=False, message=message)


def requested_host() -> str | None:
    """Return the host that a request names, as Locust will use it; None where it names none."""
    if request.endpoint == "locust.swarm":
        return request.form.get("host", "").replace("<", "").replace(">", "")  # as Locust does
    body = request.get_json(silent=True, force=True)
    host = body.get("host") if isinstance(body, dict) else None
    return None if host is None else str(host)


def _sets_proxy() -> bool:
    """Return whether the request sets a proxy for a user class, which FastHttpUser supports."""
    body = request.get_json(silent=True, force=True)
    return isinstance(body, dict) and bool(body.get("proxy_host"))


def is_this_machine(host: str | None) -> bool:
    """Return whether a Host header names this machine; protects against DNS rebinding.

    A page of another site can resolve its own name to this machine, but the header still has that name. An IP
    address cannot be rebound. A request without the header is not from a browser.
    """
    if host is None:
        return True
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def is_cross_site(headers: Headers) -> bool:
    """Return whether a browser sent this for a page of another site; as Go's CrossOriginProtection does.

    Browsers send at least one of the two headers; other programs send neither.
    """
    if fetch_site := headers.get("Sec-Fetch-Site"):
        return fetch_site not in ("same-origin", "none")
    if origin := headers.get("Origin"):
        return origin.partition("://")[2] != headers.get("Host")
    return False
