"""What the master's web server refuses before any page is asked: what another site's page has a browser send,
names that are not this machine's, and targets that nobody has allowed.
"""

from __future__ import annotations

import ipaddress

from flask import Response, jsonify, request
from locust.web import WebUI
from werkzeug.datastructures import Headers

from stampede.cluster.allowed_targets import Allowed

CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")

NAMES_A_TARGET = {"locust.swarm", "locust.update_user", "stampede.start"}
"""The routes that may be told whom to send users to."""


def add(web_ui: WebUI, allowed: Allowed) -> None:
    """Stand before all routes of Locust's web UI, those that are added later too."""

    @web_ui.app.before_request
    def refuse() -> tuple[Response, int] | None:
        if not web_ui.web_login and not is_this_machine(request.headers.get("Host")):
            return _refused(f"{request.host} is no name of this machine: set UI_USER and UI_PASSWORD"), 403
        if request.method not in CHANGES_NOTHING and is_cross_site(request.headers):
            return _refused("this was sent by a page of another site"), 403
        host = asked_host() if request.endpoint in NAMES_A_TARGET else None
        if host and not allowed.allows(host):
            # Locust's page shows what went wrong when the status is 200, and a broken page otherwise.
            status = 200 if request.endpoint == "locust.swarm" else 409
            return _refused(
                f"{host} is none of this cluster's targets: start it with ALLOW_TARGETS={host}"
            ), status
        if request.endpoint == "locust.update_user" and _names_a_proxy():
            return _refused("users are given no proxy from here: it would be whom the load hits"), 409
        return None

    @web_ui.app.after_request
    def keep_out(answer: Response) -> Response:
        """No other site shows the page in a frame of its own, where a click on theirs is one on Start."""
        answer.headers["Content-Security-Policy"] = "frame-ancestors 'self'"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "same-origin"
        return answer


def _refused(message: str) -> Response:
    return jsonify(success=False, message=message)


def asked_host() -> str | None:
    """The host that a request names, as it will be used; None where it names none."""
    if request.endpoint == "locust.swarm":
        return request.form.get("host", "").replace("<", "").replace(">", "")  # so does Locust
    told = request.get_json(silent=True, force=True)
    host = told.get("host") if isinstance(told, dict) else None
    return None if host is None else str(host)


def _names_a_proxy() -> bool:
    """Whether a kind of user is to send its requests by way of another host, as FastHttpUser can."""
    told = request.get_json(silent=True, force=True)
    return isinstance(told, dict) and bool(told.get("proxy_host"))


def is_this_machine(host: str | None) -> bool:
    """Whether a Host header is one that a page of a stranger cannot have brought about.

    A stranger's name that suddenly leads here (DNS rebinding) is still that name. Numbers are nobody's.
    Programs that send no such header are no browsers.
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
    """Whether a browser sent this on behalf of another site's page; as Go's CrossOriginProtection has it.

    Browsers say so in one of two headers; programs say nothing.
    """
    if fetched := headers.get("Sec-Fetch-Site"):
        return fetched not in ("same-origin", "none")
    if origin := headers.get("Origin"):
        return origin.partition("://")[2] != headers.get("Host")
    return False
