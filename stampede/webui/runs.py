"""The HTTP API of runs: start a run by its profile, read its state.

=======================  ======================================================================
``POST /stampede/run``   JSON ``{profile, name?, scenario?, users?, spawn_rate?, run_time?, rate?,
                         host?, probe?, own_users?, own_pace?, targets?, locustfile_commit?}``; a ``name``
                         replaces that of the profile, ``locustfile_commit`` is ``{commit, sha256}``
                         (stampede/run/loaded_file.py);
                         202 with ``{id, duration, users, shape, note, host, host_of}``, or 409 and 422 with
                         ``{message}``;
                         ``users`` and ``duration`` are null where the locustfile's ``shape`` sets them, and
                         ``note`` names the settings that the shape replaces
``GET /stampede/run``    ``{id, phase, in_progress, as_planned, …}`` of the newest run, null where
                         there was none, and the figures of stampede/webui/live.py. Among them are
                         the audit's alarms so far: ``{name, at, …}``. ``removed_runs`` is the line
                         about old runs that the end of this run has removed, or null
=======================  ======================================================================
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from flask import Blueprint, Response, jsonify, request
from locust.web import WebUI

from stampede.plan import profiles
from stampede.plan.cast import CastError
from stampede.plan.hosts import Target
from stampede.plan.probe import why_silent
from stampede.plan.profiles import Plan, ProfileError, Stage
from stampede.plan.shape import ignored
from stampede.report.formatting import BY_FORM
from stampede.run import loaded_file
from stampede.run.driver import Driver, RunError
from stampede.webui.live import Live


def add(pages: Blueprint, web_ui: WebUI, driver: Driver, live: Live, profiles_file: Path) -> None:
    """Add the routes to the blueprint."""

    @pages.post("/run")
    @web_ui.auth_required_if_enabled
    def start() -> tuple[Response, int]:
        settings = request.get_json(silent=True)
        if not isinstance(settings, dict):
            return jsonify(message="send a JSON object that names a profile"), 422
        try:
            run_id, plan, target = begin(driver, profiles_file, settings, is_headless=True)
        except ProfileError as error:
            return jsonify(message=str(error)), 422
        except (RunError, CastError) as error:
            return jsonify(message=str(error)), 409
        shape = driver.shape
        return jsonify(
            id=run_id,
            duration=None if plan.shape else plan.duration,
            users=None if plan.shape else plan.users,
            shape=plan.shape,
            note=ignored(shape, settings) if shape else None,
            host=target.host,
            host_of=target.user_classes,
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
            locustfile_sha256=driver.locustfile_hash,
            removed_runs=run and run.removed_runs,
        )


class Begun(NamedTuple):
    """A run that was started, and its target."""

    run_id: str
    plan: Plan
    target: Target


def begin(
    driver: Driver, profiles_file: Path, settings: Mapping[str, Any], *, is_headless: bool = False
) -> Begun:
    """Start a run with these settings. Raises ProfileError, CastError and RunError."""
    plan = profiles.choose(profiles.read(profiles_file), str(settings.get("profile")))
    if name := settings.get("name"):
        plan = dataclasses.replace(plan, profile=str(name))
    shape = driver.shape
    if shape:
        plan = profiles.shaped(plan, type(shape).__name__, settings)
    if scenario := settings.get("scenario"):
        plan = plan.with_user_classes(driver.cast.scenario(str(scenario)))
    if not shape:
        plan = profiles.override(plan, settings)
    return _begin(driver, plan, settings, is_headless=is_headless)


def begin_shape(driver: Driver, settings: Mapping[str, Any]) -> Begun:
    """Start a run of the locustfile's shape, without a profile. Raises as `begin` does."""
    name = type(driver.shape).__name__
    plan = profiles.shaped(Plan(name, (Stage(1, 1, 1),)), name, settings)
    return _begin(driver, plan, settings, is_headless=False)


def begin_at_rate(driver: Driver, settings: Mapping[str, Any]) -> Begun:
    """Start a run at the rate of the settings, without a profile. Raises as `begin` does."""
    if not settings.get("run_time"):
        raise ProfileError("a rate needs a run time: fill in the field Run time")
    plan = profiles.override(Plan(BY_FORM, (Stage(1, 1, 1),)), settings)
    return _begin(driver, plan, settings, is_headless=False)


def _begin(driver: Driver, plan: Plan, settings: Mapping[str, Any], *, is_headless: bool) -> Begun:
    given = settings.get("host")
    driver.hosts.refuse_own(given)
    target = Target(given) if given else driver.hosts.choose(driver.cast.taking_part(plan))
    if settings.get("probe", True):
        _refuse_silent_host(target.host)
    commit = loaded_file.commit(settings.get("locustfile_commit"), driver.locustfile_hash)
    return Begun(driver.start(plan, target.host, commit, is_headless=is_headless), plan, target)


def _refuse_silent_host(host: object) -> None:
    """Raise RunError unless a server listens at the host, whatever it answers."""
    if not isinstance(host, str) or not host.startswith(("http://", "https://")):
        raise RunError("there is no host to test: set HOST=http://… (or PROBE=no for users without HTTP)")
    if (reason := why_silent(host)) is not None:
        raise RunError(f"{host} does not answer the cluster: start it, or set another HOST ({reason})")
