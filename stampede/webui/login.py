"""A page to log in at, where whoever started the cluster has set UI_USER and UI_PASSWORD.

==========================  ==================================================================
``POST /stampede/login``    a form ``{username, password}``; leads to the UI with a session, back
                            to the page, or for programs 204, 401, and 429 with ``Retry-After``
==========================  ==================================================================

Without a session there is nothing but the page and what it is drawn with: programs get a 401. Locust's page,
open in a browser since before the session ended, would show its last figures for ever: it is told so.
"""

from __future__ import annotations

import hmac
import ipaddress
import math
import secrets
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import flask_login  # type: ignore[import-untyped]
from flask import Blueprint, Response, jsonify, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from locust.web import WebUI

from stampede.webui.tries import Doorkeeper

SESSION = timedelta(hours=12)
"""Without a request: each answer renews it, so that a run can be watched for as long as it takes."""

OPEN = {"locust.login", "locust.send_assets", "stampede_login.log_in"}
"""Routes for everybody."""


LOGGED_OUT = {
    "state": "logged out: load this page again",
    **dict.fromkeys(("stats", "errors", "workers", "extended_stats"), ()),
    **dict.fromkeys(("current_rps", "current_fail_per_sec", "fail_ratio", "user_count", "worker_count"), 0),
    "current_response_time_percentiles": {},
}
"""What Locust's page is told then: all that it looks for, and a state in which it asks no more."""


class LoginError(Exception):
    """The UI cannot be published as it is asked for; the message says what is missing."""


class Credentials(NamedTuple):
    """What whoever logs in must know."""

    user: str
    password: str

    def are(self, user: str, password: str) -> bool:
        """Whether it is them; takes as long for almost right as for all wrong."""
        right_user = hmac.compare_digest(self.user.encode(), user.encode())
        return hmac.compare_digest(self.password.encode(), password.encode()) and right_user


def credentials(environment: Mapping[str, str]) -> Credentials | None:
    """Those of UI_USER and UI_PASSWORD or UI_PASSWORD_FILE; None where there are none. Raises LoginError."""
    user, password = environment.get("UI_USER", ""), environment.get("UI_PASSWORD", "")
    if file := environment.get("UI_PASSWORD_FILE"):
        try:
            password = Path(file).read_text(encoding="utf-8").rstrip("\r\n") or password
        except (OSError, UnicodeDecodeError) as error:
            raise LoginError(f"UI_PASSWORD_FILE cannot be read: {error}") from error
    if bool(user) != bool(password):
        raise LoginError("UI_USER and UI_PASSWORD (or UI_PASSWORD_FILE) belong together: one is missing")
    return Credentials(user, password) if user else None


def refuse_open(bind: str, known: Credentials | None) -> None:
    """Raise LoginError where the UI would be there for other machines, and nobody asked who they are."""
    if known is None and not _is_loopback(bind):
        raise LoginError(
            f"UI_BIND={bind or '*'} publishes the UI beyond this machine: set UI_USER and UI_PASSWORD"
        )


def _is_loopback(bind: str) -> bool:
    if bind == "localhost":
        return True
    try:
        return ipaddress.ip_address(bind).is_loopback
    except ValueError:
        return False


def add(web_ui: WebUI, known: Credentials) -> None:
    """Ask everybody who they are, before any route."""
    app = web_ui.app
    app.secret_key = secrets.token_bytes(32)  # so sessions end with the master
    app.permanent_session_lifetime = SESSION
    app.config["SESSION_COOKIE_SAMESITE"] = "Strict"
    app.config["SESSION_COOKIE_SECURE"] = bool(web_ui.tls_cert)
    manager = flask_login.LoginManager(app)
    manager.user_loader(lambda user: _User(user) if user == known.user else None)
    manager.unauthorized_handler(_turn_away)
    web_ui.login_manager = manager
    web_ui.web_login = True
    doorkeeper = Doorkeeper()
    pages = Blueprint("stampede_login", __name__, url_prefix="/stampede")

    @app.before_request
    def ask() -> ResponseReturnValue | None:
        if request.endpoint in OPEN or flask_login.current_user.is_authenticated:
            return None
        return _turn_away()

    @pages.post("/login")
    def log_in() -> ResponseReturnValue:
        address, now = request.remote_addr or "", time.monotonic()
        if wait := math.ceil(doorkeeper.wait(address, now)):
            return _not_in(f"Too many wrong tries: wait {wait} s.", 429, wait)
        if not known.are(request.form.get("username", ""), request.form.get("password", "")):
            doorkeeper.failed(address, now)
            return _not_in("User name or password is wrong.", 401)
        doorkeeper.succeeded(address)
        session.clear()
        session.permanent = True
        flask_login.login_user(_User(known.user))
        return redirect(url_for("locust.index"), 303) if _is_browser() else (Response(), 204)

    app.register_blueprint(pages)
    with app.test_request_context():
        web_ui.auth_args = {
            "username_password_callback": url_for("stampede_login.log_in"),
            "title": "Stampede",
        }


class _User(flask_login.UserMixin):
    def __init__(self, name: str) -> None:
        self.id = name


def _turn_away() -> ResponseReturnValue:
    if _is_browser():
        return redirect(url_for("locust.login"), 303)
    if request.endpoint == "locust.request_stats" and request.referrer:  # a page; programs come from nowhere
        return jsonify(LOGGED_OUT), 203  # it does not show errors, and with a 200 our tabs had their rows
    return jsonify(success=False, message="log in first: POST username and password to /stampede/login"), 401


def _not_in(message: str, status: int, wait: int | None = None) -> ResponseReturnValue:
    if _is_browser():
        session["auth_error"] = message
        return redirect(url_for("locust.login"), 303)
    answer = jsonify(success=False, message=message)
    if wait:
        answer.headers["Retry-After"] = str(wait)
    return answer, status


def _is_browser() -> bool:
    """Whether it wants a page to look at."""
    return "text/html" in request.headers.get("Accept", "")
