"""A real cluster, in both runtimes: up, a run from the UI while it is scaled, headless, down."""

from __future__ import annotations

import csv
import json
import socket
import urllib.error

import pytest

from api import __version__
from tests.checkout import Checkout, wait_until

RUNTIMES = ["local", "compose"]
LEFT_BEHIND = {
    "run.json",
    "locust.html",
    "locust_stats.csv",
    "locust_stats_history.csv",
    "locust_failures.csv",
    "locust_exceptions.csv",
    "ledger.jsonl.gz",
    "verdict.json",
    "report.html",
    "summary.txt",
    "summary.md",
    "junit.xml",
    "timeline.csv",
}
MARK = '{"sku": "MARK", "name": "Not in the catalogue", "price": 1, "stock": 1}'


@pytest.fixture(scope="module", params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    """RUNTIME=…; Compose where an engine answers."""
    if request.param == "compose":
        request.getfixturevalue("engine")
    return f"RUNTIME={request.param}"


@pytest.fixture
def nothing_up(checkout: Checkout) -> None:
    """Whichever test came before, in whichever runtime: its cluster holds no port any more."""
    for used in sorted(checkout.used):
        assert checkout.make("down", f"RUNTIME={used}").returncode == 0


containers_first = pytest.mark.parametrize(
    "runtime", [pytest.param("local", marks=pytest.mark.long), "compose"], indirect=True
)
"""As processes too, where there is time for it: `pytest -m long`."""

processes_first = pytest.mark.parametrize(
    "runtime", ["local", pytest.param("compose", marks=pytest.mark.long)], indirect=True
)
"""In containers too, where there is time for it."""


def closed(port: int) -> bool:
    """Whether nobody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@processes_first
@pytest.mark.usefixtures("nothing_up")
def test_headless_alone_leaves_results_and_nothing_else(checkout: Checkout, runtime: str) -> None:
    """A smoke run passes, leaves its files for who called, and takes the cluster down."""
    done = checkout.trusted_run("PROFILE=smoke", "WORKERS=2", "RUN_TIME=10s", runtime)
    assert done.returncode == 0, done.stdout
    assert done.stdout.strip().endswith("(exit code 0)")
    latest = checkout.folder / "results" / "latest"
    assert {file.name for file in latest.iterdir()} == LEFT_BEHIND
    run = checkout.latest_run()
    assert run["requests"] > 500
    assert run["failures"] == 0
    assert run["as_planned"] is True
    assert run["api_version"] == __version__
    over_time = run["routes_over_time"]
    assert over_time["step_s"] == 1
    assert sum(sum(route["requests"]) for route in over_time["routes"]) == run["requests"]
    assert len((latest / "report.html").read_bytes()) < 1_600_000
    with (latest / "locust_stats.csv").open() as file:
        total = list(csv.DictReader(file))[-1]
    assert int(total["Request Count"]) == run["requests"]
    assert closed(checkout.ui_port)
    assert closed(checkout.api_port)


@containers_first
def test_the_cluster_is_scaled_while_it_runs(checkout: Checkout, runtime: str) -> None:
    """Up with 2; in a run from the UI 4, all with users, then 3; 1 after it; headless runs use it; down.

    A headless run keeps the data it finds if it is told to, else it starts from the seeded catalogue.
    """
    up = checkout.make("up", "WORKERS=2", "WORKER_MEMORY=400m", runtime)
    assert up.returncode == 0, up.stdout
    assert f"http://127.0.0.1:{checkout.ui_port}" in up.stdout

    assert checkout.post("/swarm", "user_count=40&spawn_rate=20&run_time=5m")["success"]
    wait_until(lambda: checkout.get("/stats/requests")["user_count"] == 40, "40 users")
    assert checkout.make("scale", "N=4", runtime).returncode == 0
    wait_until(
        lambda: [worker["user_count"] for worker in checkout.workers()] == [10, 10, 10, 10],
        "all four workers have their share of the users",
    )
    assert checkout.make("scale", "N=3", runtime).returncode == 0
    wait_until(
        lambda: sorted(worker["user_count"] for worker in checkout.workers()) == [13, 13, 14],
        "three workers have taken over the users of the fourth",
    )
    checkout.post("/stop")
    wait_until(lambda: checkout.get("/stampede/run")["phase"] == "done", "the results")
    run = checkout.run_left_behind()
    assert run["lost_workers"] == [], "who joined, and who left, has reported to its end"
    assert max(second["users"] for second in run["seconds"]) == 40, "and never were there more"
    assert {check["verdict"] for check in run["audit"]["checks"]} - {"UNKNOWN", "NOT_ASKED"} == {"PASS"}
    limits = {row["memory_limit_mb"] for rows in run["samples"]["workers"].values() for row in rows}
    assert limits == {None if runtime == "RUNTIME=local" else 400}, (
        "who joined later is limited like the first"
    )
    wait_until(
        lambda: [worker["state"] for worker in checkout.workers()] == ["ready"] * 3, "workers ready again"
    )

    assert checkout.make("scale", "N=1", runtime).returncode == 0
    assert checkout.api_status("/products/", MARK) == 201
    for keep_data, status in (("1", 200), ("", 404)):
        done = checkout.rig("headless", "PROFILE=smoke", "RUN_TIME=4s", f"KEEP_DATA={keep_data}", runtime)
        assert done.returncode in (0, 12), done.stdout  # on a busy machine four seconds may not be VALID
        assert checkout.api_status("/products/sku/MARK") == status
        assert "The locustfile has changed" not in done.stdout
    assert checkout.latest_run()["workers"] == 1
    assert checkout.get("/worker-count")["worker_count"] == 1, "a cluster that was up stays up"

    assert checkout.make("down", runtime).returncode == 0
    assert closed(checkout.ui_port)
    assert closed(checkout.api_port)


@pytest.mark.long
@containers_first
def test_no_request_is_missing_when_the_ui_stops_a_run(checkout: Checkout, runtime: str) -> None:
    """What the users counted is what the API counted: nothing is lost with the last report."""
    assert checkout.make("up", "WORKERS=2", runtime).returncode == 0
    before = checkout.orders_served()
    checkout.post("/swarm", "user_count=30&spawn_rate=30")
    wait_until(lambda: checkout.get("/stats/requests")["user_count"] == 30, "30 users")
    wait_until(lambda: checkout.get("/stats/requests")["stats"][-1]["num_requests"] > 150, "150 requests")
    checkout.post("/stop")
    wait_until(lambda: checkout.get("/stampede/run")["phase"] == "done", "the results")
    counted = sum(checkout.run_left_behind()["outcomes"]["POST /orders/"].values())
    assert counted == checkout.orders_served() - before


@pytest.mark.long
@containers_first
def test_stop_in_the_middle_of_a_ramp_stops(checkout: Checkout, runtime: str) -> None:
    """No user comes after it; the master takes the next run, by the form and with the usual users."""
    assert checkout.make("up", "WORKERS=2", runtime).returncode == 0
    start_run(checkout, profile="baseline-production", spawn_rate=1, run_time="5m")
    wait_until(lambda: checkout.get("/stats/requests")["user_count"] >= 3, "a few users")
    checkout.post("/stop")
    wait_until(lambda: checkout.get("/stampede/run")["phase"] == "done", "the results")
    assert checkout.run_left_behind()["as_planned"] is False
    start_run(checkout, profile="baseline-development", run_time="5m")
    wait_until(lambda: checkout.get("/stats/requests")["user_count"] == 1, "the one who does everything")
    checkout.post("/stop")
    wait_until(lambda: checkout.get("/stampede/run")["phase"] == "done", "the results")
    checkout.post("/swarm", "user_count=11&spawn_rate=11")
    wait_until(lambda: checkout.get("/stats/requests")["user_count"] == 11, "11 users")
    kinds = set(checkout.get("/tasks")["per_class"])
    checkout.post("/stop")
    wait_until(lambda: checkout.get("/stampede/run")["phase"] == "done", "the results")
    assert kinds == {
        "InventoryManagementUser",
        "OrderProcessingUser",
        "MonitoringUser",
        "HighConcurrencyUser",
    }


@containers_first
@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("[]", "a JSON object"),
        ("nonsense", "a JSON object"),
        ("{}", "no profile 'None'"),
        ('{"profile": "smoke", "users": "x"}', "users must be a number over 0, not 'x'"),
        ('{"profile": "smoke", "run_time": "0s"}', "run_time must be a time"),
        ('{"profile": "heavy", "run_time": "10s"}', "'heavy' is too short"),
        ('{"profile": "smoke", "host": "nowhere"}', "HOST must be a URL, got 'nowhere': use http://nowhere"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused(
    checkout: Checkout, runtime: str, body: str, complaint: str
) -> None:
    """With words, and without starting anything."""
    if closed(checkout.ui_port):
        assert checkout.make("up", "WORKERS=2", runtime).returncode == 0
    with pytest.raises(urllib.error.HTTPError) as refused:
        checkout.post("/stampede/run", body, "application/json")
    assert refused.value.code in (409, 422)
    assert complaint in json.load(refused.value)["message"]
    assert not checkout.get("/stampede/run")["in_progress"]


def start_run(checkout: Checkout, **wanted: object) -> None:
    """As headless does."""
    try:
        checkout.post("/stampede/run", json.dumps(wanted), "application/json")
    except urllib.error.HTTPError as refused:
        pytest.fail(f"refused: {refused.read().decode()}")


@processes_first
@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (["PROFILE=nope"], "there is no 'nope'; choose one of smoke"),
        (["USERS=-1"], "USERS must be a whole number over 0"),
        (["HOST=http://127.0.0.1:9"], "refuses connections: start the API first"),
        (["LOCUSTFILE=broken.py"], "No module named 'nowhere_to_be_found'"),
    ],
)
@pytest.mark.usefixtures("nothing_up")
def test_what_cannot_run_is_said_in_one_line(
    checkout: Checkout, runtime: str, settings: list[str], complaint: str
) -> None:
    """Exit code 2, one line, nothing left running."""
    (checkout.folder / "broken.py").write_text("import nowhere_to_be_found\n")
    done = checkout.rig("headless", "WORKERS=1", runtime, *settings)
    assert done.returncode == 2, done.stdout
    assert complaint in done.stdout.splitlines()[-1]
    assert "Traceback" not in done.stdout
    assert closed(checkout.ui_port)
    assert closed(checkout.api_port)


@pytest.mark.usefixtures("nothing_up")
def test_a_port_in_use_is_named(checkout: Checkout, runtime: str) -> None:
    """The variable that chooses another stands in the line."""
    with socket.create_server(("127.0.0.1", checkout.ui_port)):
        done = checkout.rig("up", runtime)
    assert done.returncode == 2
    assert f"port {checkout.ui_port} is in use" in done.stdout
    assert "UI_PORT=" in done.stdout


@pytest.mark.long
@processes_first
@pytest.mark.usefixtures("nothing_up")
def test_a_locustfile_of_ones_own_runs_unchanged(checkout: Checkout, runtime: str) -> None:
    """The guide's CustomUser, and one that imports what lies beside it."""
    own = checkout.folder / "mine"
    own.mkdir(exist_ok=True)
    guide = (checkout.folder / "load_tests" / "examples" / "custom_user.py").read_text()
    (own / "where.py").write_text('PATH = "/health"\n')
    (own / "mine.py").write_text(
        guide.replace("from locust", "from where import PATH\nfrom locust")
        .replace("        pass", "        self.client.get(PATH)")
        .replace("between(1, 3)", "between(0.1, 0.2)")
    )
    settings = ["PROFILE=smoke", "RUN_TIME=10s", "WORKERS=1", runtime]
    done = checkout.trusted_run(*settings, "LOCUSTFILE=mine/mine.py")
    assert done.returncode == 0, done.stdout
    assert checkout.latest_run()["window"]["routes"][0]["name"] == "/health"
    if runtime == "RUNTIME=local":  # to the letter it sends nothing, and needs to be loaded once only
        done = checkout.rig("headless", *settings, "LOCUSTFILE=load_tests/examples/custom_user.py")
        assert done.returncode == 12, done.stdout
        assert "no request to any route in this run" in done.stdout, "who sends nothing has shown nothing"
