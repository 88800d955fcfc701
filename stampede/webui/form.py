"""Before Locust's own form: a profile chosen in it is a run as if the console had asked for it, and what
would spoil a run that goes on is refused.

===========  ===============================================================================
is refused   when
===========  ===============================================================================
*Start*      a run goes on or is audited; no worker, no host, nowhere to leave results
*Edit*       the run is a plan's, or past its users; its numbers make no sense
*Reset*      a run goes on or is audited
===========  ===============================================================================

A page asks only while it shows a run. One that was opened before offers *Start*, which Locust takes for an
edit: whoever presses it would change a run they know nothing of, its host too.
"""

from __future__ import annotations

from math import inf
from pathlib import Path

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from locust.web import WebUI

from stampede.cluster import patches
from stampede.plan import profiles
from stampede.plan.cast import CastError
from stampede.plan.profiles import ProfileError
from stampede.run.driver import Driver, RunError
from stampede.webui.guard import asked_host
from stampede.webui.runs import begin

NO_PROFILE = ""
"""What the form says where its own numbers count."""


def choices(profiles_file: Path) -> list[str]:
    """What the form offers; where the file cannot be read, its own numbers only."""
    try:
        return [NO_PROFILE, *profiles.read(profiles_file)]
    except ProfileError:
        return [NO_PROFILE]


def add(web_ui: WebUI, driver: Driver, profiles_file: Path) -> None:
    """Stand before Locust's own ``/swarm`` and ``/stats/reset``."""
    patches.end_timer_with_run(web_ui)
    web_ui.app.before_request(Form(web_ui, driver, profiles_file).before_locust)


class Form:
    """What is done before Locust gets a request of its page. Answers are ``{success, message, host}``, as its."""

    def __init__(self, web_ui: WebUI, driver: Driver, profiles_file: Path) -> None:
        self._web_ui = web_ui
        self._driver = driver
        self._profiles_file = profiles_file
        self._start = web_ui.auth_required_if_enabled(self._start_profile)

    def before_locust(self) -> ResponseReturnValue | None:
        """Answer a request that is refused, or that is not Locust's; None leaves it to Locust."""
        if request.method != "POST":
            return None
        if request.endpoint == "locust.reset_stats" and self._driver.in_progress:
            return self._answer(False, "a run is in progress: its verdict is made from these figures"), 409
        return self._before_swarm() if request.endpoint == "locust.swarm" else None

    def _before_swarm(self) -> Response | None:
        if request.form.get("load_profile", NO_PROFILE):
            started: Response = self._start()
            return started
        # Locust's form to start a run names a host, always; the one to edit it never does.
        is_edit = self._driver.may_be_edited and "host" not in request.form
        try:
            _refuse_edit() if is_edit else self._refuse_start()
        except RunError as error:
            return self._answer(False, str(error))
        if is_edit and not request.form.get("run_time"):
            patches.keep_timer(self._web_ui)
        return None

    def _refuse_start(self) -> None:
        """Raise RunError for what would begin as no plan does."""
        self._driver.refuse_unless_one_can_begin()
        if request.form.get("host") == "" and self._driver.usual_host:
            raise RunError(f"there is no host to test: this cluster's own is {self._driver.usual_host}")

    def _start_profile(self) -> Response:
        wanted = {"profile": request.form["load_profile"], "host": asked_host()}
        try:
            plan = begin(self._driver, self._profiles_file, wanted)
        except (ProfileError, RunError, CastError) as error:
            return self._answer(False, str(error))
        return self._answer(True, f"'{plan.profile}': {plan.users} users, {plan.duration:.0f} s")

    def _answer(self, success: bool, message: str) -> Response:
        return jsonify(success=success, message=message, host=self._web_ui.environment.host)


def _refuse_edit() -> None:
    """Raise RunError for numbers that Locust refuses too, but only after it has ended the ramp."""
    try:
        users, spawn_rate = int(request.form["user_count"]), float(request.form["spawn_rate"])
    except (KeyError, ValueError):
        users, spawn_rate = -1, 0
    if users < 0 or not 0 < spawn_rate < inf:
        raise RunError("the number of users must be a whole one, the ramp up a number over 0")
