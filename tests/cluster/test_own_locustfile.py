"""A custom locustfile finds its files, its arguments and its variables, the same in both runtimes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkout import Checkout

LOCUSTFILE = """
import os
from locust import HttpUser, constant, events, tag, task
from api.client import PATH

assert open("users.csv").read() == "ann"
TOKEN = os.environ["SHOP_TOKEN"]

@events.init_command_line_parser.add_listener
def arguments(parser):
    parser.add_argument("--tenant", required=True, env_var="LOCUST_TENANT")
    parser.add_argument("--wallet")

class Visitor(HttpUser):
    wait_time = constant(0.5)

    @tag("read")
    @task
    def look(self):
        from late import NAME
        options = self.environment.parsed_options
        assert (TOKEN, options.tenant, options.wallet) == ("s3$c ", "acme", "a $b")
        self.client.get(PATH, name=NAME)

    @task
    def write(self):
        raise SystemError("it has no such tag")
"""


@pytest.fixture
def locustfile() -> Iterator[Path]:
    """In a folder with an odd name, and a package in it that is named like one of the project's."""
    # Not pytest's tmp_path: the user of the containers could not get through to it.
    with tempfile.TemporaryDirectory(prefix="stampede-") as temporary:
        Path(temporary).chmod(0o755)
        folder = Path(temporary) / "a:b,c $HOME #1 'q\" ü%&"
        (folder / "api").mkdir(parents=True)
        (folder / "api" / "__init__.py").touch()
        (folder / "api" / "client.py").write_text('PATH = "/products/?page=1"')
        (folder / "late.py").write_text('NAME = "/products/"')
        (folder / "users.csv").write_text("ann")
        (folder / "my users.py").write_text(LOCUSTFILE)
        yield folder / "my users.py"


@pytest.mark.parametrize("runtime", ["compose", pytest.param("local", marks=pytest.mark.long)])
def test_a_locustfile_finds_what_it_needs(
    request: pytest.FixtureRequest, checkout: Checkout, locustfile: Path, runtime: str
) -> None:
    if runtime == "compose":
        request.getfixturevalue("engine")
    variables = "SHOP_TOKEN='s3$c '\nLOCUST_TENANT=acme\nLOCUST_USERS=99\nLOCUST_HEADLESS=1\n"
    (checkout.folder / "shop.env").write_text(variables)
    done = checkout.trusted_run(
        *(f"RUNTIME={runtime}", f"LOCUSTFILE={locustfile}", "ENV_FILE=shop.env", "TAGS=read"),
        *("LOCUST_ARGS=--wallet 'a $b'", "WORKERS=2", "USERS=4", "SPAWN_RATE=4", "RUN_TIME=6s"),
    )
    assert done.returncode == 0, done.stdout
    assert "Ignored in ENV_FILE: LOCUST_HEADLESS, LOCUST_USERS (" in done.stdout
    assert checkout.latest_run()["requests"] > 10


@pytest.mark.long
@pytest.mark.usefixtures("engine")
def test_a_folder_that_containers_may_not_read_is_said_in_one_line(
    checkout: Checkout, tmp_path: Path
) -> None:
    """Temporary folders are for their owner only, and workers run as another user in containers."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (private / "users.py").write_text("from locust import User\n\n\nclass Visitor(User): ...\n")
    done = checkout.rig("up", "RUNTIME=compose", f"LOCUSTFILE={private / 'users.py'}", "WORKERS=1")
    assert done.returncode == 2
    assert f"may not read {private}: chmod -R o+rX '{private}'" in done.stdout
