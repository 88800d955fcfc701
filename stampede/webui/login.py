"""The login of the UI, where UI_USER and UI_PASSWORD are set.

==================================  ==========================================================
``POST /stampede/login``            a form ``{username, password}``. Browsers are redirected to the UI with
                                    a session and its key, or back to the login page. Programs get 204
                                    with the key in ``Stampede-Key``, 401, or 429 with ``Retry-After``
``GET /stampede/login?ticket=…``    the same without a password: `make login` prints this address
``POST /stampede/ticket``           ``{ticket}``, for an address that a browser opens
==================================  ==========================================================

Every other request needs a session and its key (keys.py), except for what has no data: the login page and
the files that all pages share. A page that a browser opens without a ticket gets gate.html, which gets one.
Programs without a session get a 401. A page of Locust that stays open after the session has ended would
show its last figures permanently, so it gets LOGGED_OUT.

The rig does not log in: it has the owner's key, from a file that only the owner of the cluster can read.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import math
import os
import secrets
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import flask_login  # type: ignore[import-untyped]
import gevent
from flask import Blueprint, Response, g, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from locust.web import WebUI

from stampede.webui.keys import HEADER, OWNER, TICKET, Keys
from stampede.webui.tries import LoginLimiter

logger = logging.getLogger(__name__)

SESSION = timedelta(hours=12)
"""The time without a request after which a session ends. Each response renews it."""

PUBLIC_ENDPOINTS = {
    *("locust.login", "stampede_login.log_in", "stampede_login.follow_link"),
    "stampede_health",
    *("locust.send_assets", "stampede.static", "stampede.plotly", "stampede.drawing"),
}
"""The routes that need no session: those of the login, the health check, and files without data."""

SESSION_ID = "id"
"""The key of the session's id in its cookie."""

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


def new_owner_key(file: str | None) -> str:
    """Return a new owner's key, and write it to `file`, which only this user can read.

    Raises LoginError where the file cannot be written.
    """
    key = secrets.token_urlsafe(32)
    if file:
        try:
            Path(file).unlink(missing_ok=True)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
                opened.write(key)
        except OSError as error:
            raise LoginError(f"the owner's key cannot be written: {error}") from error
    return key


def add(web_ui: WebUI, expected: Credentials, owner_key: str) -> None:
    """Require a login for all routes but PUBLIC_ENDPOINTS."""
    app = web_ui.app
    app.secret_key = secrets.token_bytes(32)  # not stored: sessions end with the master
    app.permanent_session_lifetime = SESSION
    app.config["SESSION_COOKIE_SAMESITE"] = "Strict"
    app.config["SESSION_COOKIE_SECURE"] = bool(web_ui.tls_cert)
    _let_locusts_routes_pass(web_ui)
    login = _Login(expected, Keys(app.secret_key, owner_key))
    app.before_request(login.refuse_without_key)
    pages = Blueprint("stampede_login", __name__, url_prefix="/stampede", template_folder="pages")
    pages.post("/login")(login.log_in)
    pages.get("/login")(login.follow_link)
    pages.post("/ticket")(login.ticket)
    app.register_blueprint(pages)
    app.context_processor(lambda: {"has_login": True})
    with app.test_request_context():
        web_ui.auth_args = {
            "username_password_callback": url_for("stampede_login.log_in"),
            "title": "Stampede",
        }


def _let_locusts_routes_pass(web_ui: WebUI) -> None:
    """Let Locust's routes, which ask flask_login for a user, take a request that has passed the login."""
    manager = flask_login.LoginManager(web_ui.app)
    manager.session_protection = None
    manager.request_loader(lambda _: flask_login.UserMixin())
    web_ui.login_manager = manager
    web_ui.web_login = True


class _Login:
    """The routes of the login, and the check of all other routes."""

    def __init__(self, expected: Credentials, keys: Keys) -> None:
        self._expected = expected
        self._keys = keys
        self._limiter = LoginLimiter()

    def refuse_without_key(self) -> ResponseReturnValue | None:
        if request.endpoint in PUBLIC_ENDPOINTS:
            return None
        key, ticket = request.headers.get(HEADER), request.args.get(TICKET)
        g.session = self._keys.session_of(session.get(SESSION_ID), key, ticket, time.monotonic())
        return None if g.session else _refuse()

    def log_in(self) -> ResponseReturnValue:
        address = (request.remote_addr or "").removeprefix("::ffff:")  # IPv4, as a dual-stack socket shows it
        wait, is_checked = self._limiter.take(address, time.monotonic())
        if not is_checked:  # not logged: guesses would fill the disk
            return _login_failed(f"Too many tries: wait {math.ceil(wait)} s.", 429, math.ceil(wait))
        gevent.sleep(wait)
        if not self._expected.match(request.form.get("username", ""), request.form.get("password", "")):
            logger.warning("a login from %s failed: wrong username or password", address)
            return _login_failed("Username or password is wrong.", 401)
        self._limiter.succeeded(address)
        return self._begin_session()

    def follow_link(self) -> ResponseReturnValue:
        if self._keys.redeem(request.args.get(TICKET, ""), time.monotonic()) != OWNER:
            return _login_failed("The link is not valid: it can be used once, within a minute.", 401)
        return self._begin_session()

    def _begin_session(self) -> ResponseReturnValue:
        session.clear()
        session.permanent = True
        session[SESSION_ID] = secrets.token_urlsafe(16)
        key = self._keys.key_of(session[SESSION_ID])
        if _is_browser():
            # A browser keeps the part after # to itself, and gives it to the page: see static/key.js.
            return redirect(f"{url_for('locust.index')}#key={key}", 303)
        return Response(status=204, headers={HEADER: key})

    def ticket(self) -> Response:
        return jsonify(ticket=self._keys.ticket(g.session, time.monotonic()))


def _refuse() -> ResponseReturnValue:
    if _is_browser():
        if SESSION_ID in session and request.method == "GET":
            return Response(render_template("stampede/gate.html"), 401, {"Cache-Control": "no-store"})
        return redirect(url_for("locust.login"), 303)
    if request.endpoint == "locust.request_stats" and request.referrer:  # a page; programs send no referrer
        return jsonify(LOGGED_OUT), 203  # the page shows no errors; tabs.py adds rows to a 200
    advice = f"POST username and password to /stampede/login, and send the key of its response as {HEADER}"
    return jsonify(success=False, message=f"log in first: {advice}"), 401


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
