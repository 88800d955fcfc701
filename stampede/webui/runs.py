"""The HTTP API of runs: start a run by its profile, read its state.

=======================  ======================================================================
``POST /stampede/run``   JSON ``{profile, scenario?, users?, spawn_rate?, run_time?, host?,
                         own_users?, own_pace?, targets?}``; 202, or 409 and 422 with ``{message}``
``GET /stampede/run``    ``{id, phase, in_progress, as_planned, …}`` of the newest run, null where
                         there was none, and the figures of stampede/webui/live.py. Among them are
                         the audit's alarms so far: ``{name, at, …}``
=======================  ======================================================================
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, request
from locust.web import WebUI

from stampede.plan import profiles
from stampede.plan.cast import CastError
from stampede.plan.profiles import Plan, ProfileError, Stage
from stampede.plan.shape import ignored
from stampede.run.driver import Driver, RunError
from stampede.webui.live import Live

PROBE_TIMEOUT = 5.0
"""Seconds to wait for a response of the host before a run starts."""


def add(pages: Blueprint, web_ui: WebUI, driver: Driver, live: Live, profiles_file: Path) -> None:
    """Add the routes to the blueprint."""

    @pages.post("/run")
    @web_ui.auth_required_if_enabled
    def start() -> tuple[Response, int]:
        settings = request.get_json(silent=True)
        if not isinstance(settings, dict):
            return jsonify(message="send a JSON object that names a profile"), 422
        try:
            plan = begin(driver, profiles_file, settings, is_headless=True)
        except ProfileError as error:
            return jsonify(message=str(error)), 422
        except (RunError, CastError) as error:
            return jsonify(message=str(error)), 409
        shape = driver.shape
        note = shape and ignored(shape, settings)
        is_shaped = plan.shape is not None
        return jsonify(
            duration=None if is_shaped else plan.duration,
            users=None if is_shaped else plan.users,
            shape=plan.shape,
            note=note,
        ), 202

    @pages.get("/run")
    @web_ui.auth_required_if_enabled
    def current() -> Response:
        figures, run = live.snapshot().figures, driver.current
        return jsonify(
            **figures,
            id=run and run.id,
            phase=run and run.phase,
            as_planned=run and run.as_planned,
            in_progress=driver.in_progress,
        )


def begin(
    driver: Driver, profiles_file: Path, settings: Mapping[str, Any], *, is_headless: bool = False
) -> Plan:
    """Start a run with these settings; return its plan. Raises ProfileError, CastError and RunError."""
    plan = profiles.choose(profiles.read(profiles_file), str(settings.get("profile")))
    shape = driver.shape
    if shape:
        plan = profiles.shaped(plan, type(shape).__name__, settings)
    if scenario := settings.get("scenario"):
        plan = plan.with_user_classes(driver.cast.scenario(str(scenario)))
    if not shape:
        plan = profiles.override(plan, settings)
    host = settings.get("host") or driver.default_host
    _refuse_silent_host(host)
    driver.start(plan, host, is_headless=is_headless)
    return plan


def begin_shape(driver: Driver, settings: Mapping[str, Any], host: str | None) -> Plan:
    """Start a run of the locustfile's shape, without a profile. Raises as `begin` does."""
    name = type(driver.shape).__name__
    plan = profiles.shaped(Plan(name, (Stage(1, 1, 1),)), name, settings)
    host = host or driver.default_host
    _refuse_silent_host(host)
    driver.start(plan, host)
    return plan


def _refuse_silent_host(host: object) -> None:
    """Raise RunError unless the host sends a response, whatever its status.

    The request is a HEAD, which users never send, so that it is not counted as a user's request.
    """
    if not isinstance(host, str) or not host.startswith(("http://", "https://")):
        raise RunError("there is no host to test: give HOST=http://…")
    try:
        request = urllib.request.Request(host, method="HEAD")
        _opener.open(request, timeout=PROBE_TIMEOUT).close()
    except urllib.error.HTTPError:
        return
    except (OSError, HTTPException, ValueError) as error:  # HTTPException: the response is not HTTP
        reason = getattr(error, "reason", error)
        raise RunError(
            f"{host} does not answer the cluster: start it, or give another HOST ({str(reason).strip()})"
        ) from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A handler that does not follow redirects: they may lead to a host that is not allowed."""

    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))  # users use no proxy
