"""The login of the UI, where UI_USER and UI_PASSWORD are set.

==========================  ==================================================================
``POST /stampede/login``    a form ``{username, password}``. Browsers are redirected to the UI with
                            a session, or back to the login page. Programs get 204, 401, or 429
                            with ``Retry-After``
==========================  ==================================================================

Without a session only the login page and its assets are served; programs get a 401. A page of Locust that
stays open after the session has ended would show its last figures permanently, so it gets LOGGED_OUT.
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

from stampede.webui.tries import LoginLimiter

SESSION = timedelta(hours=12)
"""The time without a request after which a session ends. Each response renews it."""

PUBLIC_ENDPOINTS = {"locust.login", "locust.send_assets", "stampede_login.log_in"}
"""The routes that need no session."""

LOGGED_OUT = {
    "state": "logged out: reload this page",
    **dict.fromkeys(("stats", "errors", "workers", "extended_stats"), ()),
    **dict.fromkeys(("current_rps", "current_fail_per_sec", "fail_ratio", "user_count", "worker_count"), 0),
    "current_response_time_percentiles": {},
}
"""The response to Locust's page without a session: every key it reads, and a state that stops its polling."""


class LoginError(Exception):
    """A setting of the login that is missing or wrong; the message says which one."""


class Credentials(NamedTuple):
    """The user name and the password of the UI."""

    user: str
    password: str

    def match(self, user: str, password: str) -> bool:
        """Return whether both are right, in a time that does not depend on how much of them is right."""
        is_user = hmac.compare_digest(self.user.encode(), user.encode())
        return hmac.compare_digest(self.password.encode(), password.encode()) and is_user


def credentials(environment: Mapping[str, str]) -> Credentials | None:
    """Return the credentials of UI_USER and UI_PASSWORD or UI_PASSWORD_FILE; None where none are set.

    Raises LoginError where one of the two is missing, or the file cannot be read.
    """
    user, password = environment.get("UI_USER", ""), environment.get("UI_PASSWORD", "")
    if file := environment.get("UI_PASSWORD_FILE"):
        try:
            password = Path(file).read_text(encoding="utf-8").rstrip("\r\n") or password
        except (OSError, UnicodeDecodeError) as error:
            raise LoginError(f"UI_PASSWORD_FILE cannot be read: {error}") from error
    if bool(user) != bool(password):
        raise LoginError("UI_USER and UI_PASSWORD (or UI_PASSWORD_FILE) belong together: one is missing")
    return Credentials(user, password) if user else None


def require_login(bind: str, expected: Credentials | None) -> None:
    """Raise LoginError where other machines could reach the UI without a login."""
    if expected is None and not _is_loopback(bind):
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


def add(web_ui: WebUI, expected: Credentials) -> None:
    """Require a login for all routes but PUBLIC_ENDPOINTS."""
    app = web_ui.app
    app.secret_key = secrets.token_bytes(32)  # not stored: sessions end with the master
    app.permanent_session_lifetime = SESSION
    app.config["SESSION_COOKIE_SAMESITE"] = "Strict"
    app.config["SESSION_COOKIE_SECURE"] = bool(web_ui.tls_cert)
    manager = flask_login.LoginManager(app)
    manager.user_loader(lambda user: _User(user) if user == expected.user else None)
    manager.unauthorized_handler(_refuse)
    web_ui.login_manager = manager
    web_ui.web_login = True
    limiter = LoginLimiter()
    pages = Blueprint("stampede_login", __name__, url_prefix="/stampede")

    @app.before_request
    def refuse_without_session() -> ResponseReturnValue | None:
        if request.endpoint in PUBLIC_ENDPOINTS or flask_login.current_user.is_authenticated:
            return None
        return _refuse()

    @pages.post("/login")
    def log_in() -> ResponseReturnValue:
        address, now = request.remote_addr or "", time.monotonic()
        if wait := math.ceil(limiter.wait(address, now)):
            return _login_failed(f"Too many wrong tries: wait {wait} s.", 429, wait)
        if not expected.match(request.form.get("username", ""), request.form.get("password", "")):
            limiter.failed(address, now)
            return _login_failed("Username or password is wrong.", 401)
        limiter.succeeded(address)
        session.clear()
        session.permanent = True
        flask_login.login_user(_User(expected.user))
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


def _refuse() -> ResponseReturnValue:
    if _is_browser():
        return redirect(url_for("locust.login"), 303)
    if request.endpoint == "locust.request_stats" and request.referrer:  # a page; programs send no referrer
        return jsonify(LOGGED_OUT), 203  # the page shows no errors; tabs.py adds rows to a 200
    return jsonify(success=False, message="log in first: POST username and password to /stampede/login"), 401


def _login_failed(message: str, status: int, wait: int | None = None) -> ResponseReturnValue:
    if _is_browser():
        session["auth_error"] = message
        return redirect(url_for("locust.login"), 303)
    response = jsonify(success=False, message=message)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response, status


def _is_browser() -> bool:
    """Return whether the client accepts an HTML page."""
    return "text/html" in request.headers.get("Accept", "")
