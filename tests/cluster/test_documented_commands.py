"""The commands of docs/, run as they are written: tests/documented_commands.py says how."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest

from stampede.facts import run_json
from tests import runs
from tests.checkout import ROOT, Checkout
from tests.cluster.test_own_audit import BoxOffice
from tests.documentation import DOCS, Command, commands, example, gist
from tests.documented_commands import RUN
from tests.held_up import by_the_machine

RUN_ID = "20261130-152649-80df"
"""The run that the pages report and compare."""


class Api(BoxOffice):
    """Sells tickets, and has every page that it is asked for."""

    def do_GET(self) -> None:  # noqa: N802 - a name of http.server
        self._answer(200, b"{}")


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """The URL of an API that users of the pages' examples can use."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def prepared(checkout: Checkout) -> Checkout:
    """A copy of the project with the files that the pages name. A git repository, for `make chaos`."""
    folder = checkout.folder
    (folder / "users.py").write_text(example("docs/own-api.md", "python"))
    (folder / "mine.toml").write_text(example("docs/chaos.md", "toml"))
    (folder / "secret.txt").write_text("a long password\n")
    (folder / ".local").mkdir()
    (folder / ".local" / "uv").symlink_to(ROOT / ".local" / "uv")  # make does not install it again
    (folder / "results" / RUN_ID).mkdir(parents=True)
    run_json.write(folder / "results" / RUN_ID, "run.json", runs.run(id=RUN_ID))
    checkout.run(".venv/bin/python", "-m", "stampede", "report", f"results/{RUN_ID}")
    checkout.run("git", "init", "--quiet")
    checkout.used.add("local")
    return checkout


@pytest.fixture
def project(prepared: Checkout, request: pytest.FixtureRequest) -> Iterator[Checkout]:
    """The copy with the pages' run as the newest. A cluster that a command starts is down afterwards."""
    latest = prepared.folder / "results" / "latest"
    latest.unlink(missing_ok=True)
    latest.symlink_to(RUN_ID)
    yield prepared
    if request.node.get_closest_marker("long"):
        prepared.rig("reset", "RUNTIME=local")


COMMANDS = [command for page in DOCS for command in commands(page) if command.text in RUN]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, marks=[pytest.mark.long] if RUN[command.text].is_long else [], id=command.text)
        for command in COMMANDS
    ],
)
def test_a_command_does_what_its_page_says(project: Checkout, host: str, command: Command) -> None:
    """It ends with its exit code, and prints the lines that the page shows, with other numbers."""
    way = RUN[command.text]
    line = f"{command.text} {way.settings.format(host=host)}"
    done = _run(project, line)
    if done.returncode != way.exit_code and _was_delayed(project):
        done = _run(project, line)
    assert done.returncode == way.exit_code, done.stdout
    if way.is_exact:
        assert done.stdout == command.output
    else:
        assert _missing(command.output, done.stdout) == []


def _run(project: Checkout, line: str) -> subprocess.CompletedProcess[str]:
    """Run a command line; a page that it opens in a browser is not opened."""
    return project.run("env", "BROWSER=true", "bash", "-c", line)


def _was_delayed(project: Checkout) -> bool:
    """Return whether the command left a run that only the machine kept from being VALID."""
    latest = (project.folder / "results" / "latest").resolve()
    return latest.name != RUN_ID and bool(by_the_machine(latest))


def _missing(documented: str, printed: str) -> list[str]:
    """Return the lines of the page that are not printed, as their gist."""
    lines = gist(printed)
    return [line for line in gist(documented) if line not in lines]
