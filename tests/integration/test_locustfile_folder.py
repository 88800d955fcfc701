"""How a custom locustfile is started: its folder, its environment, and the configuration that is not read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.checkout import ROOT

LOCUSTFILE = """
import json, os, sys
from locust import User

assert open("users.csv").read() == "ann"

class Visitor(User):
    pass

import api.client
from load_tests.users import ShopUser
print(json.dumps({
    "first": sys.path[0], "folder": os.getcwd(), "api": api.client.WHERE, "token": os.environ.get("TOKEN"),
    "users": os.environ.get("LOCUST_USERS"),
}))
"""
TEST = "def test_list(session):\n    session.get('/list')\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """That of a locustfile, with a package named like one of the project's."""
    folder = tmp_path / "mine, $HOME"
    (folder / "api").mkdir(parents=True)
    (folder / "api" / "__init__.py").touch()
    (folder / "api" / "client.py").write_text("WHERE = 'mine'")
    (folder / "users.csv").write_text("ann")
    (folder / "users.py").write_text(LOCUSTFILE)
    return folder


def listed(locustfile: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`python -m stampede locust --list` in the project's folder, as the rig starts it."""
    return subprocess.run(
        [sys.executable, "-m", "stampede", "locust", "--list", *options],
        cwd=ROOT,
        env={**os.environ, "STAMPEDE_LOCUSTFILE": str(locustfile), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_folder_of_the_locustfile_is_where_it_runs(folder: Path) -> None:
    """What lies next to it is opened and imported before all else; the project's packages come last."""
    done = listed(folder / "users.py")
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[0])
    assert (seen["first"], seen["folder"], seen["api"]) == (str(folder), str(folder), "mine")


def test_a_name_that_looks_like_an_option_is_a_name(folder: Path) -> None:
    (folder / "users.py").rename(folder / "-my users.py")
    done = listed(folder / "-my users.py")
    assert done.returncode == 0, done.stderr


def test_the_variables_of_env_file_are_there_from_the_start(folder: Path) -> None:
    """Options of Locust are not among them, however they came here."""
    done = listed(folder / "users.py", STAMPEDE_ENV=json.dumps({"TOKEN": "s3$c ", "LOCUST_USERS": "x"}))
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[0])
    assert (seen["token"], seen["users"]) == ("s3$c ", None)


def test_only_named_configuration_files_are_read(folder: Path, tmp_path: Path) -> None:
    """Each of the others would make Locust fail."""
    (folder / "locust.conf").write_text("nonsense = here\n")
    (folder / "pyproject.toml").write_text("[tool.locust]\nnonsense = 'here'\n")
    (tmp_path / ".locust.conf").write_text("nonsense = here\n")
    done = listed(folder / "users.py", HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    named = listed(folder / "users.py", "--config", str(folder / "locust.conf"))
    assert named.returncode == 2
    assert "nonsense" in named.stderr


def test_an_option_of_locust_among_the_arguments_ends_it_with_one_line(folder: Path) -> None:
    done = listed(folder / "users.py", STAMPEDE_ARGS="--headless")
    assert (done.returncode, done.stderr) == (
        2,
        "stampede: LOCUST_ARGS: --headless is an option of Locust: use `make headless` instead\n",
    )


def test_test_functions_are_users_also_in_the_projects_folder() -> None:
    """Where pytest would read the configuration of the project's own tests, which makes warnings errors."""
    (ROOT / ".local").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / ".local") as folder:
        (Path(folder) / "test_shop.py").write_text(TEST)
        done = listed(Path(folder) / "test_shop.py")
        assert done.returncode == 0, done.stderr
        assert "test_list" in done.stdout


def test_the_configuration_next_to_test_functions_is_read() -> None:
    """As by stock Locust, also in the project's folder."""
    with tempfile.TemporaryDirectory(dir=ROOT / ".local") as folder:
        (Path(folder) / "test_shop.py").write_text(TEST.replace("test_list", "load_list"))
        (Path(folder) / "pytest.ini").write_text("[pytest]\npython_functions = load_*\n")
        assert "load_list" in listed(Path(folder) / "test_shop.py").stdout
