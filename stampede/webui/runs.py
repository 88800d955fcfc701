"""Runs over HTTP: start one by its profile, follow it, fetch what it left.

========================================  =====================================================
``POST /stampede/run``                    JSON ``{profile, scenario?, users?, spawn_rate?, run_time?,
                                          host?, own_pace?, targets?}``; 202, or 409 and 422 with
                                          ``{message}``
``GET /stampede/run``                     ``{id, phase, in_progress, as_planned, alarms}`` of the
                                          newest run; all null where there was none. Alarms are
                                          what the audit has seen so far: ``{name, at, …}``
``GET /stampede/results/<id>.tar.gz``     the run's folder
========================================  =====================================================
"""

from __future__ import annotations

import io
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

from flask import Blueprint, Response, abort, jsonify, request
from locust.web import WebUI

from stampede import profiles
from stampede.cast import CastError
from stampede.profiles import ProfileError
from stampede.run import RunError, Runs

PROBE_TIMEOUT = 5.0
"""Seconds for a host to answer at all before a run is started against it."""


def add(web_ui: WebUI, runs: Runs, profiles_file: Path, results: Path) -> None:
    """Add the routes to Locust's web UI."""
    pages = Blueprint("stampede", __name__, url_prefix="/stampede")

    @pages.post("/run")
    @web_ui.auth_required_if_enabled
    def start() -> tuple[Response, int]:
        wanted = request.get_json(silent=True)
        if not isinstance(wanted, dict):
            return jsonify(message="send a JSON object that names a profile"), 422
        try:
            plan = profiles.choose(profiles.read(profiles_file), str(wanted.get("profile")))
            if scenario := wanted.get("scenario"):
                plan = plan.with_user_classes(runs.cast.scenario(str(scenario)))
            plan = profiles.override(plan, wanted)
            host = wanted.get("host") or runs.usual_host
            _refuse_dead_host(host)
            runs.start(plan, host)
        except ProfileError as error:
            return jsonify(message=str(error)), 422
        except (RunError, CastError) as error:
            return jsonify(message=str(error)), 409
        return jsonify(duration=plan.duration, users=plan.users), 202

    @pages.get("/run")
    @web_ui.auth_required_if_enabled
    def current() -> Response:
        run = runs.current
        return jsonify(
            id=run and run.id,
            phase=run and run.phase,
            as_planned=run and run.as_planned,
            in_progress=runs.in_progress,
            alarms=runs.alarms,
        )

    @pages.get("/results/<run_id>.tar.gz")
    @web_ui.auth_required_if_enabled
    def fetch(run_id: str) -> Response:
        if run_id not in {folder.name for folder in results.iterdir() if not folder.is_symlink()}:
            abort(404)
        return Response(_archive(results / run_id), mimetype="application/gzip")

    @web_ui.app.before_request
    def refuse_too_early() -> Response | None:
        """Locust's own form, while the last run is not over: the two would be mixed."""
        if request.path.endswith("/swarm") and runs.is_ending:
            return jsonify(success=False, message="the last run is being audited: try again in a moment")
        return None

    web_ui.app.register_blueprint(pages)


def _refuse_dead_host(host: object) -> None:
    """Raise RunError unless something answers there, whatever its status. HEAD: users never send it."""
    if not isinstance(host, str) or not host.startswith(("http://", "https://")):
        raise RunError("there is no host to test: give HOST=http://…")
    try:
        request = urllib.request.Request(host, method="HEAD")
        urllib.request.build_opener(_StaysThere).open(request, timeout=PROBE_TIMEOUT).close()
    except urllib.error.HTTPError:
        return
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise RunError(
            f"{host} does not answer the cluster: start it, or give another HOST ({reason})"
        ) from error


class _StaysThere(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer too, and who it leads to was not asked for."""

    def redirect_request(self, *_: object) -> None:
        return None


def _archive(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    return buffer.getvalue()
