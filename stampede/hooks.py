"""Where the engine listens to Locust's events. Importing it loads the engine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from gevent.event import Event
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner
from locust.web import WebUI

from stampede import webui
from stampede.cluster import interrupt, patches, worker
from stampede.cluster.allowed_targets import Allowed, AllowedError
from stampede.cluster.clocks import answer_clocks
from stampede.cluster.master import END_TIMEOUT, Crew
from stampede.cluster.roster import own_label
from stampede.counting.counts import Counts
from stampede.counting.ledger import Ledger
from stampede.plan import pace
from stampede.run import results
from stampede.run.driver import Driver
from stampede.sampling.sampler import OwnSamples
from stampede.webui import form, guard, login

_is_attached = Event()
_choices = [form.NO_PROFILE]
"""The profiles that the start form offers: Locust asks anew for each page."""
patches.report_every(worker.REPORT_INTERVAL)
patches.keep_missing_workers()
patches.keep_waiting_for_the_master()
patches.let_workers_connect_anew()
patches.keep_three_digits()
patches.spawn_after_init(_is_attached)
patches.close_to_other_sites()
patches.count_what_is_cut_off()


@events.init_command_line_parser.add_listener
def _add_arguments(parser: LocustArgumentParser) -> None:
    parser.add_argument(
        "--results",
        default="results",
        env_var="LOCUST_RESULTS",
        include_in_web_ui=False,
        help="Folder that runs leave their results in",
    )
    parser.add_argument(
        "--profiles",
        default="load_tests/profiles.toml",
        env_var="LOCUST_PROFILES",
        include_in_web_ui=False,
        help="File that names the loads a run can be started with",
    )
    parser.add_argument(
        "--audit-host",
        default=None,
        env_var="LOCUST_AUDIT_HOST",
        include_in_web_ui=False,
        help="The API whose database AUDIT_DATABASE_URL is: runs against it are audited",
    )
    parser.add_argument(
        "--allowed",
        default=None,
        env_var="LOCUST_ALLOWED",
        include_in_web_ui=False,
        help="File of targets, one a line, that whoever started the cluster has allowed since",
    )
    parser.add_argument(
        "--load-profile",
        default=form.NO_PROFILE,
        choices=_choices,
        help="instead of the numbers above",
    )
    # Not for a user to give: the master sets them when a run starts, Locust carries them to the workers.
    for name in ("--run-id", "--pace-scale", "--overload"):
        parser.add_argument(
            name, default=None, include_in_web_ui=False, help="Set by the master for each run"
        )


@events.init.add_listener
def _attach(environment: Environment, runner: Any, web_ui: WebUI | None, **_: Any) -> None:
    interrupt.to_main_greenlet()
    environment.reset_stats = False  # Locust would forget what failed until all users were there
    if isinstance(runner, MasterRunner) and web_ui:
        _attach_master(environment, runner, web_ui)
    elif isinstance(runner, WorkerRunner):
        _attach_worker(environment, runner)
        _is_attached.set()


def _attach_master(environment: Environment, runner: MasterRunner, web_ui: WebUI) -> None:
    options = environment.parsed_options
    # First: Locust goes on serving whatever fails below.
    _make_safe(web_ui, options.allowed, [environment.host, options.audit_host])
    counts = Counts()
    runs = Driver(environment, counts, Path(options.results), options.audit_host)
    crew = Crew(environment, runner, runs.observers.noticed)
    results.conclude_interrupted(Path(options.results))
    webui.add(web_ui, environment, runs, Path(options.profiles), Path(options.results))
    _choices[:] = form.choices(Path(options.profiles))
    on = environment.events
    on.test_start.add_listener(lambda **_: counts.clear())
    on.test_start.add_listener(lambda **_: crew.begin(*runs.started()))
    on.worker_report.add_listener(lambda data, **_: counts.add(data))
    on.worker_report.add_listener(lambda client_id, data, **_: runs.observers.reported(client_id, data))
    on.spawning_complete.add_listener(lambda user_count, **_: runs.users_there(user_count))
    on.test_stopping.add_listener(lambda **_: crew.end())
    on.test_stopping.add_listener(lambda **_: runs.stopping())
    on.test_stop.add_listener(lambda **_: runs.stopped())
    on.test_stop.add_listener(lambda **_: crew.forget_missing())
    on.quitting.add_listener(lambda **_: crew.let_go())  # Locust calls them in reverse order
    on.quitting.add_listener(lambda **_: runs.see_out(END_TIMEOUT))


def _make_safe(web_ui: WebUI, allowed_since: str | None, usual: list[str | None]) -> None:
    """Before anything is served."""

    def own() -> Iterator[str | None]:
        yield from usual
        if allowed_since and (file := Path(allowed_since)).exists():
            yield from file.read_text().split()

    try:
        known = login.credentials(os.environ)
        login.refuse_open(os.environ.get("UI_BIND") or web_ui.host, known)
        allowed = Allowed(os.environ.get("ALLOW_TARGETS", ""), own)
    except (login.LoginError, AllowedError) as error:
        _refuse_to_start(error)
    guard.add(web_ui, allowed)
    if known:
        login.add(web_ui, known)


def _refuse_to_start(error: Exception) -> NoReturn:
    print(f"stampede: {error}", file=sys.stderr)
    sys.exit(2)


def _attach_worker(environment: Environment, runner: WorkerRunner) -> None:
    # The master chooses per run who takes part, also those whom the locustfile leaves out.
    environment.user_classes = list(environment.available_user_classes.values())
    counts, ledger, samples = Counts(), Ledger(), OwnSamples()
    answer_clocks(runner)
    membership = worker.Membership(environment, runner, ledger.hand_over_again)
    environment.stampede_ledger = ledger  # where users find it, and how their worker is called in it
    environment.stampede_worker = lambda: own_label(runner)
    try:
        allowed = Allowed(os.environ.get("ALLOW_TARGETS", ""), lambda: [environment.host])
    except AllowedError as error:
        _refuse_to_start(error)
    patches.stay_on_target(allowed)
    on = environment.events
    on.test_start.add_listener(lambda **_: membership.begin(environment.parsed_options.run_id))
    on.test_start.add_listener(lambda **_: ledger.begin(environment.parsed_options.run_id, own_label(runner)))
    on.test_start.add_listener(lambda **_: counts.clear())
    on.request.add_listener(counts.count)
    on.report_to_master.add_listener(lambda data, **_: counts.hand_over(data))
    on.report_to_master.add_listener(lambda data, **_: ledger.hand_over(data))
    on.report_to_master.add_listener(lambda data, **_: samples.hand_over(data))
    on.report_to_master.add_listener(lambda data, **_: membership.keep(data))  # the last: with all of it
    on.test_start.add_listener(
        lambda **_: pace.apply(environment.user_classes, environment.parsed_options.pace_scale)
    )
    on.test_stop.add_listener(lambda **_: ledger.end())
    on.test_stop.add_listener(lambda **_: membership.end())
    on.heartbeat_received.add_listener(lambda **_: membership.heard())
    on.quitting.add_listener(lambda **_: membership.leave())
