"""The engine's listeners to Locust's events. Importing this module loads the engine."""

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
from stampede.cluster.allowed_targets import AllowedTargets, AllowedTargetsError
from stampede.cluster.clocks import answer_clock_requests
from stampede.cluster.master import END_TIMEOUT, ClusterMaster
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
"""The profiles that the start form offers; Locust reads the list again for each page."""
patches.report_every(worker.REPORT_INTERVAL)
patches.keep_missing_workers()
patches.keep_waiting_for_the_master()
patches.let_workers_reconnect()
patches.keep_three_digits()
patches.count_any_request()
patches.spawn_after_init(_is_attached)
patches.disable_cors()
patches.count_requests_cut_off()


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
    # Not for users: the master sets them at the start of a run, and Locust sends them to the workers.
    for name in ("--run-id", "--pace-scale", "--overload"):
        parser.add_argument(
            name, default=None, include_in_web_ui=False, help="Set by the master for each run"
        )


@events.init.add_listener
def _attach(environment: Environment, runner: Any, web_ui: WebUI | None, **_: Any) -> None:
    interrupt.to_main_greenlet()
    environment.reset_stats = False  # else Locust drops the counts of the ramp at its end
    if isinstance(runner, MasterRunner) and web_ui:
        _attach_master(environment, runner, web_ui)
    elif isinstance(runner, WorkerRunner):
        _attach_worker(environment, runner)
        _is_attached.set()


def _attach_master(environment: Environment, runner: MasterRunner, web_ui: WebUI) -> None:
    options = environment.parsed_options
    # First, because Locust serves its UI even where something below fails.
    _secure(web_ui, options.allowed, [environment.host, options.audit_host])
    counts = Counts()
    driver = Driver(environment, counts, Path(options.results), options.audit_host)
    cluster = ClusterMaster(environment, runner, driver.observers.worker_changed)
    results.conclude_interrupted(Path(options.results))
    webui.add(web_ui, environment, driver, Path(options.profiles), Path(options.results))
    _choices[:] = form.choices(Path(options.profiles))
    on = environment.events
    on.test_start.add_listener(lambda **_: counts.clear())
    on.test_start.add_listener(lambda **_: cluster.begin(*driver.started()))
    on.worker_report.add_listener(lambda data, **_: counts.add(data))
    on.worker_report.add_listener(
        lambda client_id, data, **_: driver.observers.worker_reported(client_id, data)
    )
    on.spawning_complete.add_listener(lambda user_count, **_: driver.ramp_finished(user_count))
    on.test_stopping.add_listener(lambda **_: cluster.end())
    on.test_stopping.add_listener(lambda **_: driver.stopping())
    on.test_stop.add_listener(lambda **_: driver.stopped())
    on.test_stop.add_listener(lambda **_: cluster.forget_missing_workers())
    # Locust calls the listeners of `quitting` in reverse order.
    on.quitting.add_listener(lambda **_: cluster.forget_all_workers())
    on.quitting.add_listener(lambda **_: driver.shut_down(END_TIMEOUT))


def _secure(web_ui: WebUI, allowed_file: str | None, default_hosts: list[str | None]) -> None:
    """Add the login and the guard to the UI, before it serves anything."""

    def own_targets() -> Iterator[str | None]:
        yield from default_hosts
        if allowed_file and (file := Path(allowed_file)).exists():
            yield from file.read_text().split()

    try:
        credentials = login.credentials(os.environ)
        login.require_login(os.environ.get("UI_BIND") or web_ui.host, credentials)
        allowed = AllowedTargets(os.environ.get("ALLOW_TARGETS", ""), own_targets)
    except (login.LoginError, AllowedTargetsError) as error:
        _refuse_to_start(error)
    guard.add(web_ui, allowed)
    if credentials:
        login.add(web_ui, credentials)


def _refuse_to_start(error: Exception) -> NoReturn:
    print(f"stampede: {error}", file=sys.stderr)
    sys.exit(2)


def _attach_worker(environment: Environment, runner: WorkerRunner) -> None:
    # All classes, also those that Locust left out: the master selects the classes of each run.
    environment.user_classes = list(environment.available_user_classes.values())
    counts, ledger, samples = Counts(), Ledger(), OwnSamples()
    answer_clock_requests(runner)
    cluster = worker.ClusterWorker(environment, runner, ledger.hand_over_again)
    environment.stampede_ledger = ledger  # for user classes: the ledger, and their worker's label in it
    environment.stampede_worker = lambda: own_label(runner)
    try:
        allowed = AllowedTargets(os.environ.get("ALLOW_TARGETS", ""), lambda: [environment.host])
    except AllowedTargetsError as error:
        _refuse_to_start(error)
    patches.refuse_redirects_off_target(allowed)
    on = environment.events
    on.test_start.add_listener(lambda **_: cluster.begin(environment.parsed_options.run_id))
    on.test_start.add_listener(lambda **_: ledger.begin(environment.parsed_options.run_id, own_label(runner)))
    on.test_start.add_listener(lambda **_: counts.clear())
    on.request.add_listener(counts.count)
    on.report_to_master.add_listener(lambda data, **_: counts.hand_over(data))
    on.report_to_master.add_listener(lambda data, **_: ledger.hand_over(data))
    on.report_to_master.add_listener(lambda data, **_: samples.hand_over(data))
    on.report_to_master.add_listener(lambda data, **_: cluster.keep(data))  # last: it keeps all of the report
    on.test_start.add_listener(
        lambda **_: pace.apply(environment.user_classes, environment.parsed_options.pace_scale)
    )
    on.test_stop.add_listener(lambda **_: ledger.end())
    on.test_stop.add_listener(lambda **_: cluster.end())
    on.heartbeat_received.add_listener(lambda **_: cluster.master_responded())
    on.quitting.add_listener(lambda **_: cluster.leave())
