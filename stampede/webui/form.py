"""Requests of Locust's form, handled before Locust: starts profiles, and refuses what would spoil a run.

A profile chosen in the form starts the same run as the console does: users, ramp up and run time are those of
the profile. The form's own numbers are ignored, as nothing shows whether the user has typed them or Locust
has filled them in. The page and the response state that they are. Targets apply to each run of the form, and
so does a rate, except for a shape.

===========  ===============================================================================
request      refused when
===========  ===============================================================================
*Start*      a run is in progress or audited; no worker, no host, no folder for results; the
             targets cannot be parsed; a rate without a run time
*Edit*       the run has a plan, or its users have stopped; the numbers are wrong; the
             targets or the rate are others
===========  ===============================================================================

A page polls the master only while it shows a run. A page that was opened before the run still offers *Start*,
and Locust would treat that as an edit of the run: it would change the users and the host.
"""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from locust import argument_parser
from locust.web import WebUI

from stampede.cluster import patches
from stampede.facts.target import Target
from stampede.plan import profiles
from stampede.plan.cast import CastError
from stampede.plan.profiles import ProfileError
from stampede.run.driver import Driver, RunError
from stampede.webui.guard import requested_host
from stampede.webui.runs import begin, begin_at_rate, begin_shape

PROFILE_FIELD = "profile"
"""Locust's own field for a profile. Locust only labels a run with it; here it chooses the load."""

TARGETS_FIELD = "Targets"
"""The form's field for targets. Locust makes the label of the name, so it is the destination of
--stampede-targets; with the capital, a locustfile may have its own --targets."""

RATE_FIELD = "Rate"
"""The form's field for requests per second, the destination of --stampede-rate."""

ENGINE_OPTIONS = "stampede_"
"""How the names of the engine's options begin, which the form must not set."""


def choices(profiles_file: Path) -> list[str]:
    """Return the profiles that the form offers; none where the file cannot be read."""
    try:
        return list(profiles.read(profiles_file))
    except ProfileError:
        return []


def add(web_ui: WebUI, driver: Driver, profiles_file: Path) -> None:
    """Offer the profiles in Locust's form, and handle requests to its ``/swarm`` before Locust does."""
    patches.end_timer_with_run(web_ui)
    web_ui.template_args["all_profiles"] = choices(profiles_file)
    web_ui.app.before_request(Form(web_ui, driver, profiles_file).before_locust)


class Form:
    """The handler of the form's requests. Responses are ``{success, message, host}``, like Locust's."""

    def __init__(self, web_ui: WebUI, driver: Driver, profiles_file: Path) -> None:
        self._web_ui = web_ui
        self._driver = driver
        self._profiles_file = profiles_file
        self._start = web_ui.auth_required_if_enabled(self._start_profile)
        self._start_shape = web_ui.auth_required_if_enabled(self._follow_shape)
        self._start_rate = web_ui.auth_required_if_enabled(self._start_at_rate)

    def before_locust(self) -> ResponseReturnValue | None:
        """Return the response to a request that is refused or starts a profile; None leaves it to Locust."""
        is_swarm = request.method == "POST" and request.endpoint == "locust.swarm"
        return self._before_swarm() if is_swarm else None

    def _before_swarm(self) -> Response | None:
        if _profile():
            response: Response = self._start()
            return response
        if self._driver.shape and not self._driver.in_progress:
            response = self._start_shape()
            return response  # noqa: RET504 - Locust's decorator has no types
        # Locust's form to start a run always sends a host; its form to edit one never does.
        is_edit = self._driver.may_be_edited and "host" not in request.form
        if request.form.get(RATE_FIELD) and not is_edit:
            response = self._start_rate()
            return response  # noqa: RET504
        try:
            targets = profiles.parse_targets(profiles.TARGETS, _targets())
            self._refuse_edit(targets) if is_edit else self._refuse_start()
        except (ProfileError, RunError, CastError) as error:
            return self._answer(False, str(error))
        if not is_edit:
            self._driver.next_targets = targets
        elif not request.form.get("run_time"):
            patches.keep_timer(self._web_ui)
        return None

    def _refuse_start(self) -> None:
        """Raise RunError or CastError where a run with the form's numbers cannot start."""
        self._driver.check_can_start()
        self._driver.cast.choose_default()
        if host := request.form.get("host"):
            self._driver.hosts.refuse_own(host)
            return
        host = self._driver.hosts.choose(self._web_ui.environment.user_classes).host
        if "host" in request.form and host:
            raise RunError(f"Host is empty: the API of this cluster is {host}")
        self._web_ui.environment.host = self._web_ui.environment.host or host

    def _refuse_edit(self, targets: tuple[Target, ...]) -> None:
        """Raise RunError for other targets than the run's, and for wrong numbers.

        Locust would refuse wrong numbers too, but only after it has ended the ramp.
        """
        run = self._driver.current
        if targets and run and targets != run.stated_targets:
            raise RunError("the targets of a run cannot be changed: stop the run, and start another one")
        if request.form.get(RATE_FIELD):
            raise RunError("the rate of a run cannot be changed: stop the run, and start another one")
        try:
            users, spawn_rate = int(request.form["user_count"]), float(request.form["spawn_rate"])
        except (KeyError, ValueError):
            users, spawn_rate = -1, 0
        if users < 0 or not 0 < spawn_rate < inf:
            raise RunError("the number of users must be a whole number, the ramp up a number over 0")

    def _start_profile(self) -> Response:
        self._set_own_arguments()
        try:
            settings = {"profile": _profile(), **_common_settings()}
            plan = begin(self._driver, self._profiles_file, settings).plan
        except (ProfileError, RunError, CastError) as error:
            return self._answer(False, str(error))
        self._web_ui.environment.profile = plan.profile  # the page's field is filled in with it
        load = f"{plan.users} users, {plan.duration:.0f} s; the form's own numbers are ignored"
        return self._answer(True, f"'{plan.profile}': {load}")

    def _follow_shape(self) -> Response:
        """Start a run of the locustfile's shape; its common options are the form's numbers."""
        self._set_own_arguments()
        try:
            settings = _numbers()
            plan = begin_shape(self._driver, settings).plan
        except (ProfileError, RunError, CastError) as error:
            return self._answer(False, str(error))
        ignored = "; the rate is ignored" if settings["rate"] else ""
        return self._answer(True, f"the shape {plan.shape} sets the load{ignored}")

    def _start_at_rate(self) -> Response:
        """Start a run of the form's numbers whose users send at the form's rate."""
        self._set_own_arguments()
        try:
            plan = begin_at_rate(self._driver, _numbers()).plan
        except (ProfileError, RunError, CastError) as error:
            return self._answer(False, str(error))
        return self._answer(True, f"{plan.users} users send {plan.pace:g} requests/s")

    def _set_own_arguments(self) -> None:
        """Set the locustfile's own arguments to the form's values, as Locust does for its own start."""
        options = vars(self._web_ui.environment.parsed_options)
        own = options.keys() - argument_parser.default_args_dict().keys()
        for name in own & request.form.keys():
            if not name.startswith(ENGINE_OPTIONS):
                options[name] = _as_before(options[name], name)

    def _answer(self, success: bool, message: str) -> Response:
        return jsonify(success=success, message=message, host=self._web_ui.environment.host)


def _as_before(present: Any, name: str) -> Any:
    """Return the form's value of an argument, in the type of its present value."""
    value = request.form[name]
    if isinstance(present, bool):
        return value == "true"
    if isinstance(present, list):
        values = value.split(",") if "," in value else request.form.getlist(name)
        return [int(each) for each in values] if all(isinstance(each, int) for each in present) else values
    try:
        return value if present is None else type(present)(value)
    except ValueError:
        return present


def _number(text: str | None) -> float | None:
    """Return a number of the form; None where it has none, or the 0 of a field that a shape has disabled."""
    try:
        return float(text or 0) or None
    except ValueError:
        return None


def _numbers() -> dict[str, Any]:
    """Return the settings of a run of the form's numbers. Raises ProfileError."""
    return {
        "users": _number(request.form.get("user_count")),
        "spawn_rate": _number(request.form.get("spawn_rate")),
        "run_time": request.form.get("run_time") or None,
        "probe": False,  # as Locust's form: users need not speak HTTP
        **_common_settings(),
    }


def _common_settings() -> dict[str, Any]:
    """Return the settings that each run of the form has. Raises ProfileError."""
    text = request.form.get(RATE_FIELD, "")
    rate = _number(text)
    if text and (rate is None or not 0 < rate < inf):
        raise ProfileError(f"Rate must be a number over 0, not '{text}'")
    return {"host": requested_host(), "targets": _targets(), "rate": rate}


def _profile() -> str:
    """Return the name of the form's profile; empty for a run of the form's own numbers."""
    return request.form.get(PROFILE_FIELD, "").strip()


def _targets() -> str:
    return request.form.get(TARGETS_FIELD, "")
