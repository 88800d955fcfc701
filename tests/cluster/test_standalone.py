"""The load test as the guide shows it: Locust and Faker from the registry, nothing of ours installed."""

import csv
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from urllib.request import urlopen

import pytest

from postgres import embedded
from tests.checkout import plain_environment

ROOT = Path(__file__).parents[2]
LOCUSTFILE = ROOT / "load_tests/locustfile.py"

REQUESTS = {
    "inventory management": {
        ("GET", "/products/"),
        ("GET", "/products/{id}"),
        ("GET", "/products/?filter"),
        ("GET", "/products/sku/{sku}"),
        ("POST", "/products/"),
        ("PUT", "/products/{id}"),
        ("DELETE", "/products/{id}"),
    },
    "order processing": {
        ("POST", "/orders/"),
        ("GET", "/orders/"),
        ("GET", "/orders/?filter"),
        ("GET", "/orders/{id}"),
        ("POST", "/orders/{id}/pay"),
        ("POST", "/orders/{id}/ship"),
        ("POST", "/orders/{id}/cancel"),
    },
    "monitoring": {
        ("GET", "/health"),
        ("GET", "/summary"),
        ("GET", "/orders/recent"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
    },
    "high concurrency": {("POST", "/products/{id}/stock/adjust")},
}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def locust(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The command `locust` of a venv that was made by `pip install locust faker`."""
    venv = tmp_path_factory.mktemp("locust-and-faker") / "venv"
    packages = [f"{name}=={version(name)}" for name in ("locust", "faker")]  # those of uv.lock
    subprocess.run([sys.executable, "-m", "venv", venv], check=True, env=plain_environment())
    subprocess.run(
        [venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *packages],
        check=True,
        env=plain_environment(),
    )
    return str(venv / "bin/locust")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an API of this module's own, on a database of its own."""
    folder = tmp_path_factory.mktemp("api")
    log = folder / "log"
    port = free_port()
    with embedded.running(folder / "postgres") as database, log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, ROOT / "run_api.py", "--port", str(port)],
            env={**plain_environment(), "DATABASE_URL": database.url("api")},
            stdout=output,
            stderr=output,
        )
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


def _wait_until_healthy(host: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(host + "/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the API is not healthy:\n{log.read_text()}")


def run(locust: str, host: str, options: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [locust, "-f", LOCUSTFILE, f"--host={host}", "--headless", *options.split()],
        cwd=cwd,
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )


def requests_in(stats: Path) -> dict[tuple[str, str], int]:
    """Requests by method and name, from Locust's own CSV."""
    with stats.open() as file:
        rows = [row for row in csv.DictReader(file) if row["Name"] != "Aggregated"]
    return {(row["Type"], row["Name"]): int(row["Request Count"]) for row in rows}


def outcomes(host: str, method: str, route: str) -> dict[str, int]:
    """What the API has answered so far, by status, as it counted itself."""
    with urlopen(host + "/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found: dict[str, int] = {}
    for labels, value in re.findall(r"^http_requests_total\{([^}]*)\} (\S+)$", text, re.MULTILINE):
        label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if (label["method"], label["route"]) == (method, route):
            found[label["status"]] = int(float(value))
    return found


@pytest.mark.long
def test_headless_run_with_html_and_csv(locust: str, api: str, tmp_path: Path) -> None:
    """The guide's CI command ends with 0 and its files; all kinds of user did all of their requests."""
    html, prefix = tmp_path / "results.html", tmp_path / "results"
    options = f"--users 100 --spawn-rate 50 --run-time 20s --html {html} --csv {prefix}"
    done = run(locust, api, options, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "<html" in html.read_text()
    for part in ("stats", "stats_history", "failures", "exceptions"):
        assert Path(f"{prefix}_{part}.csv").exists()
    made = set(requests_in(Path(f"{prefix}_stats.csv")))
    for kind, requests in REQUESTS.items():
        assert requests <= made, f"{kind}: {requests - made} missing"
    assert made == set().union(*REQUESTS.values()), "requests of nobody"
    assert not [name for _, name in made if re.search(r"\d", name)], "names are routes, without ids"
    # Scarce products sell, and sell out.
    assert {"201", "409"} <= set(outcomes(api, "POST", "/orders/"))


def test_started_from_another_directory(locust: str, api: str, tmp_path: Path) -> None:
    """The locustfile finds what it imports from wherever Locust is started."""
    (tmp_path / "load_tests").mkdir()
    (
        tmp_path / "load_tests/__init__.py"
    ).touch()  # somebody else's package of that name does not get in the way
    done = run(locust, api, "--users 11 --spawn-rate 11 --run-time 3s", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_one_user_for_debugging(locust: str, api: str, tmp_path: Path) -> None:
    """One user with DEBUG shows each request, what it was answered, and how that was judged."""
    options = "--users 1 --spawn-rate 1 --run-time 5s --loglevel DEBUG OrderProcessingUser"
    done = run(locust, api, options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = r"load_tests\.shop: GET /products/\?page=1&per_page=20  -> 200, expected"
    assert re.search(shown, done.stderr), done.stderr


@pytest.mark.long
def test_workers_that_start_together_make_no_product_twice(locust: str, api: str, tmp_path: Path) -> None:
    """Stock Locust, a master and two workers: no SKU of one worker is refused because another has it."""
    port = free_port()
    workers = [
        subprocess.Popen(
            [locust, "-f", LOCUSTFILE, "--worker", f"--master-port={port}"],
            cwd=tmp_path,
            env=plain_environment(),
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    try:
        options = f"--users 40 --spawn-rate 40 --run-time 8s --csv two --master --master-bind-port={port}"
        options += " --expect-workers 2 InventoryManagementUser"
        done = run(locust, api, options, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        for process in workers:
            process.wait(30)
    finally:
        for process in workers:
            process.kill()
            process.wait()
    assert requests_in(tmp_path / "two_stats.csv")["POST", "/products/"] > 10


def test_api_that_is_down_is_told_in_failures(locust: str, tmp_path: Path) -> None:
    """Nobody answers: exit code 1, one failure per route that names the error; no user crashes over it."""
    options = "--users 11 --spawn-rate 11 --run-time 3s --csv down"
    done = run(locust, f"http://127.0.0.1:{free_port()}", options, cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    with (tmp_path / "down_failures.csv").open() as file:
        errors = {row["Error"] for row in csv.DictReader(file)}
    assert "CatchResponseError('GET /products/: ConnectionRefusedError')" in errors
    assert all(re.search(r": ConnectionRefusedError'\)$", error) for error in errors)
