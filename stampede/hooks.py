"""The engine's listeners to Locust's events. Importing this module loads the engine."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from gevent.event import Event
from locust import User, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopTest
from locust.runners import MasterRunner, WorkerRunner
from locust.web import WebUI
from msgspec import to_builtins

from stampede import webui
from stampede.cluster import (
    cookie_limits,
    curve,
    fast_answers,
    identity,
    interrupt,
    listener_patches,
    output_patches,
    patches,
    requests_answers,
    user_patches,
)
from stampede.cluster.allowed_targets import AllowedTargets, AllowedTargetsError
from stampede.cluster.clocks import answer_clock_requests
from stampede.cluster.master import END_TIMEOUT, ClusterMaster
from stampede.cluster.messages import RaceReply, Reader, report_type
from stampede.cluster.roster import STATES_WITH_USERS, label_workers_in_logs, own_label
from stampede.cluster.small_statistics import (
    SmallStatistics,
    forget_reported_names,
    keep_texts_of_errors,
)
from stampede.cluster.worker import REFUSED, REPORT_INTERVAL, ClusterWorker
from stampede.counting import reports
from stampede.counting.counts import Counts
from stampede.counting.ledger import Ledger
from stampede.counting.names import MOST_NAMES, MOST_NAMES_IN_A_REPORT
from stampede.own_ports import OwnPorts
from stampede.plan import pace
from stampede.plan.hosts import Hosts, own_ports
from stampede.race.rounds import REPLY
from stampede.run import results
from stampede.run.driver import Driver
from stampede.run.old_runs import KeepError, number_to_keep
from stampede.run.results_folder import ResultsFolder
from stampede.sampling import sampler
from stampede.sampling.sampler import OwnSamples
from stampede.webui import bodies, connections, form, guard, health, login

PROFILES = Path(__file__).resolve().parents[1] / "load_tests" / "profiles.toml"

logger = logging.getLogger(__name__)

_is_attached = Event()
patches.report_every(REPORT_INTERVAL)
patches.keep_missing_workers()
patches.keep_waiting_for_the_master()
patches.let_workers_reconnect()
patches.keep_three_digits()
patches.count_any_request()
keep_texts_of_errors()
patches.spawn_after_init(_is_attached)
patches.hear_after_init(_is_attached)
patches.disable_cors()
patches.build_the_default_options_once()
patches.send_any_value()
user_patches.count_requests_cut_off()
fast_answers.limit_answers()
requests_answers.limit_answers()
cookie_limits.limit_cookies()
output_patches.write_harmless_cells()

# Registered before the locustfile is imported: where one of its listeners raises StopUser, Locust skips the
# listeners after it. On the master too: a locustfile may send requests there.
_counts = Counts()
_reader = Reader(
    {
        "stats": report_type({**reports.PARTS, sampler.KEY: sampler.OwnReport}),
        REPLY: RaceReply,
    }
)
patches.drop_unreadable_messages(_reader.read)
_key_folder = Path(folder) if (folder := os.environ.get("STAMPEDE_CLUSTER_KEY")) else None
curve.protect(_key_folder)
patches.join_with_identity(lambda environment: to_builtins(identity.own(environment.parsed_locustfiles)))
patches.end_where_refused(
    REFUSED, lambda reason: _refuse_to_start(f"the master refuses this worker: {reason}")
)
_at_test_start: list[Callable[[], None]] = [_counts.clear]
"""What a process does at the start of a run, in this order, before the locustfile's listeners."""
events.request.add_listener(_counts.count)
events.user_error.add_listener(_counts.count_exception)
listener_patches.report_failed_listeners(_counts.exceptions.count)
events.test_start.add_listener(lambda **_: _begin_run())
user_patches.note_unreported(_counts.unreported.opened, _counts.unreported.reported)


def _begin_run() -> None:
    for act in _at_test_start:
        act()


@events.init_command_line_parser.add_listener
def _add_arguments(parser: LocustArgumentParser) -> None:
    parser.add_argument(
        "--stampede-results",
        default="results",
        env_var="STAMPEDE_RESULTS",
        include_in_web_ui=False,
        help="Folder for the results of runs",
    )
    parser.add_argument(
        "--stampede-cluster",
        default="standalone",
        env_var="STAMPEDE_CLUSTER",
        include_in_web_ui=False,
        help="Name of this cluster: clusters that share a folder of results need different ones",
    )
    parser.add_argument(
        "--stampede-keep-results",
        default="",
        env_var="STAMPEDE_KEEP_RESULTS",
        include_in_web_ui=False,
        help="How many finished runs are kept in the folder for results; empty: all",
    )
    parser.add_argument(
        "--stampede-profiles",
        default=str(PROFILES),
        env_var="STAMPEDE_PROFILES",
        include_in_web_ui=False,
        help="File of the profiles",
    )
    parser.add_argument(
        "--stampede-audit-host",
        default=None,
        env_var="STAMPEDE_AUDIT_HOST",
        include_in_web_ui=False,
        help="The API of the database AUDIT_DATABASE_URL: runs against it are audited",
    )
    parser.add_argument(
        "--stampede-fallback-host",
        default=None,
        env_var="STAMPEDE_FALLBACK_HOST",
        include_in_web_ui=False,
        help="The host if neither --host nor a user class has one",
    )
    parser.add_argument(
        "--stampede-allowed",
        default=None,
        env_var="STAMPEDE_ALLOWED",
        include_in_web_ui=False,
        help="File of targets that were allowed after the start, one a line",
    )
    parser.add_argument(
        "--stampede-owner-key",
        default=None,
        env_var="STAMPEDE_OWNER_KEY",
        include_in_web_ui=False,
        help="File for the key with which the owner of this cluster uses the UI without its password",
    )
    parser.add_argument(
        "--stampede-targets",
        dest=form.TARGETS_FIELD,
        default="",
        help="p95 < 300ms, errors = 0",
    )
    parser.add_argument(
        "--stampede-rate",
        dest=form.RATE_FIELD,
        default="",
        help="requests per second",
    )
    # Not for users: the master sets them at the start of a run, and Locust sends them to the workers.
    for name in ("--stampede-run-id", "--stampede-pace-scale", "--stampede-overload"):
        parser.add_argument(
            name, default=None, include_in_web_ui=False, help="Set by the master for each run"
        )


@events.init.add_listener
def _attach(environment: Environment, runner: Any, web_ui: WebUI | None, **_: Any) -> None:
    interrupt.to_main_greenlet()
    output_patches.log_harmless_text()
    environment.reset_stats = False  # else Locust drops the counts of the ramp at its end
    if isinstance(runner, MasterRunner) and web_ui:
        _attach_master(environment, runner, web_ui)
    elif isinstance(runner, WorkerRunner):
        _attach_worker(environment, runner)
    _is_attached.set()
    _exclude_loaded_from_collection()


def _exclude_loaded_from_collection() -> None:
    """Exclude all modules and classes from garbage collection, which delayed all greenlets by 80 ms."""
    gc.collect()
    gc.freeze()


def _attach_master(environment: Environment, runner: MasterRunner, web_ui: WebUI) -> None:
    options = environment.parsed_options
    # First, because Locust serves its UI even where something below fails.
    hosts = Hosts(environment)
    default_hosts = [*hosts.allowed, options.stampede_audit_host]
    _secure(web_ui, options.stampede_owner_key, options.stampede_allowed, default_hosts, hosts.own_ports)
    if curve.is_exposed(_key_folder, runner.master_bind_host):
        logger.warning("stampede: other machines can join as workers: set STAMPEDE_CLUSTER_KEY to a folder")
    label_workers_in_logs(runner)
    results_folder = ResultsFolder(
        Path(options.stampede_results), options.stampede_cluster, _kept(options.stampede_keep_results)
    )
    driver = Driver(environment, _counts, results_folder, options.stampede_audit_host)
    environment.host = driver.hosts.shown_at_first(environment.user_classes)
    notice, stop = driver.observers.worker_changed, driver.stop_by_locustfile
    _reader.on_drop = driver.observers.message_dropped
    cluster = ClusterMaster(environment, runner, notice, stop, driver.user_classes, _reader.drop)
    results.conclude_interrupted(results_folder)
    webui.add(web_ui, environment, driver, Path(options.stampede_profiles), results_folder.path)
    health.add(web_ui, lambda: cluster.is_listening)
    SmallStatistics(runner, _counts.names, _counts.latencies.current_percentile)
    on = environment.events
    _at_test_start.append(lambda: cluster.begin(*driver.started()))
    on.worker_report.add_listener(lambda data, **_: _counts.add(data))
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


def _kept(text: str) -> int | None:
    try:
        return number_to_keep(text)
    except KeepError as error:
        _refuse_to_start(error)


def _stop_counting(cluster: ClusterWorker) -> None:
    """Keep requests apart that are sent after the run's stop. A worker that leaves alone stops no run."""
    if not cluster.is_leaving:
        _counts.stop()


def _user_ended(cluster: ClusterWorker, user: User, error: BaseException, is_stopped: bool) -> None:
    _counts.count_ended_user(user, error, is_stopped)
    if isinstance(error, StopTest):
        cluster.stop_run(f"StopTest: {error}")


def _secure(
    web_ui: WebUI,
    owner_key_file: str | None,
    allowed_file: str | None,
    default_hosts: list[str | None],
    ports: OwnPorts,
) -> None:
    """Add the login and the guard to the UI, before it serves anything."""

    def own_targets() -> Iterator[str | None]:
        yield from default_hosts
        if allowed_file and (file := Path(allowed_file)).exists():
            yield from file.read_text().split()

    try:
        credentials = login.credentials(os.environ)
        login.require_login(os.environ.get("UI_BIND") or web_ui.host, credentials)
        allowed = AllowedTargets(os.environ.get("ALLOW_TARGETS", ""), own_targets, ports)
        connections.limit()
        bodies.add(web_ui)
        if credentials:  # before the guard: without a session, nothing else of a request is looked at
            login.add(web_ui, credentials, login.new_owner_key(owner_key_file))
    except (login.LoginError, AllowedTargetsError) as error:
        _refuse_to_start(error)
    guard.add(web_ui, allowed)


def _refuse_to_start(error: Exception | str) -> NoReturn:
    print(f"stampede: {error}", file=sys.stderr)
    sys.exit(2)


def _attach_worker(environment: Environment, runner: WorkerRunner) -> None:
    ledger, samples = Ledger(), OwnSamples(lambda: runner.worker_state in STATES_WITH_USERS)
    answer_clock_requests(runner)
    cluster = ClusterWorker(environment, runner, ledger.hand_over_again)
    user_patches.report_ended_users(partial(_user_ended, cluster))
    environment.stampede_ledger = ledger  # for user classes: the ledger, and their worker's label in it
    environment.stampede_worker = lambda: own_label(runner)
    try:
        listed = os.environ.get("ALLOW_TARGETS", "")
        allowed = AllowedTargets(listed, lambda: [environment.host], own_ports(environment))
    except AllowedTargetsError as error:
        _refuse_to_start(error)
    patches.refuse_redirects_off_target(allowed)
    on = environment.events
    options = environment.parsed_options
    _at_test_start.append(lambda: cluster.begin(options.stampede_run_id))
    _at_test_start.append(lambda: ledger.begin(options.stampede_run_id, own_label(runner)))
    _counts.names.most = MOST_NAMES_IN_A_REPORT
    on.report_to_master.add_listener(lambda **_: forget_reported_names(runner.stats, MOST_NAMES))
    on.report_to_master.add_listener(lambda data, **_: _counts.hand_over(data))
    on.report_to_master.add_listener(lambda data, **_: ledger.hand_over(data))
    on.report_to_master.add_listener(lambda data, **_: samples.hand_over(data))
    on.report_to_master.add_listener(lambda data, **_: cluster.keep(data))  # last: it keeps all of the report
    on.test_start.add_listener(
        lambda **_: pace.apply(environment.user_classes, environment.parsed_options.stampede_pace_scale)
    )
    on.test_stopping.add_listener(lambda **_: _stop_counting(cluster))
    on.test_stop.add_listener(lambda **_: ledger.end())
    on.test_stop.add_listener(lambda **_: _counts.unreported.end())
    on.test_stop.add_listener(lambda **_: cluster.end())
    on.heartbeat_received.add_listener(lambda **_: cluster.master_responded())
    on.quitting.add_listener(lambda **_: cluster.leave())
