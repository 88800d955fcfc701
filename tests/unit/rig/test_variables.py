"""Locust's own variables do not reach a cluster; those of ENV_FILE reach its master and workers only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from stampede.rig import UsageError, memory, settings, variables
from stampede.rig.roles import Roles
from stampede.rig.settings import NAMES
from tests.checkout import ROOT
from tests.unit.bare import bare_environment, remember  # noqa: F401


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """With a value that circus would change, and an option of Locust."""
    file = tmp_path / "shop.env"
    file.write_text("TOKEN='s3$HOME '\nLOCUST_TENANT=acme\nLOCUST_USERS=99\n")
    return file


def test_variables_of_locust_are_removed_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of the shell and of .env, but for the log level, which is a setting; one line lists the rest."""
    monkeypatch.setenv("LOCUST_HEADLESS", "true")
    monkeypatch.setenv("LOCUST_ARGS", "--wallet 7")
    (tmp_path / ".env").write_text("LOCUST_LOGLEVEL=DEBUG\nLOCUST_USERS=9\nSHOP=a\n")
    passed_on = variables.environment()
    assert {name: passed_on[name] for name in passed_on if "LOCUST" in name} == {"LOCUST_LOGLEVEL": "DEBUG"}
    assert passed_on["SHOP"] == "a"
    variables.print_ignored(None, NAMES)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Ignored: LOCUST_HEADLESS, LOCUST_USERS (ENV_FILE= and LOCUST_ARGS= reach")


def test_nothing_is_printed_where_nothing_is_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    variables.print_ignored(None, NAMES)
    assert capsys.readouterr().out == ""


def test_env_file_holds_variables_of_the_locustfile_also_named_like_locusts(
    env_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All but those that set options of Locust: they are listed, without their values."""
    assert variables.of_file(env_file) == {"TOKEN": "s3$HOME ", "LOCUST_TENANT": "acme"}
    variables.print_ignored(env_file, NAMES)
    printed = capsys.readouterr().out
    assert printed.startswith("Ignored in ENV_FILE: LOCUST_USERS (")
    assert "99" not in printed


def test_the_values_of_env_file_are_in_the_environment_of_master_and_workers_only(
    env_file: Path, tmp_path: Path
) -> None:
    """In one variable that circus passes on unchanged; neither in its file nor in the remembered settings."""
    given = settings.read([f"ENV_FILE={env_file}", "RUNTIME=local", "LOCUST_ARGS=--wallet '$HOME'"])
    roles = Roles(given, tmp_path)
    ((name, value),) = roles.load_variables().items()
    assert name == "STAMPEDE_ENV"
    assert "$" not in value
    assert value == value.strip()
    passed_on = json.loads(value)
    assert passed_on["TOKEN"] == "s3$HOME "  # noqa: S105
    assert passed_on["STAMPEDE_ARGS"] == "--wallet '$HOME'"
    assert "LOCUST_USERS" not in passed_on
    with (tmp_path / "circus.ini").open("w") as file:
        roles.configuration().write(file)
    remember(given)
    stored = (tmp_path / "circus.ini").read_text() + memory.MEMORY.read_text()
    assert "s3" not in stored
    assert settings.read([]).env_file == env_file


def test_the_rig_overrides_env_file(tmp_path: Path) -> None:
    """Also by plain variables that it sets for master and workers."""
    (tmp_path / "shop.env").write_text("ALLOW_TARGETS=evil.test\nSTAMPEDE_TAGS=all\nUI_USER=eve\n")
    assert variables.of_file(tmp_path / "shop.env") == {}
    given = settings.read([f"ENV_FILE={tmp_path}/shop.env", "RUNTIME=local"])
    passed_on = json.loads(Roles(given, tmp_path).load_variables()["STAMPEDE_ENV"])
    assert (passed_on["ALLOW_TARGETS"], passed_on["STAMPEDE_TAGS"]) == ("", "")


def test_keep_results_reaches_the_master(tmp_path: Path) -> None:
    """In the local runtime; docker-compose.yml passes it on to the container."""
    given = settings.read(["KEEP_RESULTS=50", "RUNTIME=local"])
    passed_on = json.loads(Roles(given, tmp_path).load_variables()["STAMPEDE_ENV"])
    assert passed_on["STAMPEDE_KEEP_RESULTS"] == "50"
    assert settings.read([]).keep_results is None


def test_an_env_file_that_cannot_be_read_is_refused_without_its_values(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^ENV_FILE: '.*/none\.env' does not exist$"):
        settings.read([f"ENV_FILE={tmp_path}/none.env"])
    (tmp_path / "wrong.env").write_text("TOKEN s3cr3t\n")
    with pytest.raises(UsageError, match=r"^wrong\.env, line 1: write NAME=value") as refused:
        variables.of_file(tmp_path / "wrong.env")
    assert "s3cr3t" not in str(refused.value)


def test_the_cluster_knows_its_own_ports(tmp_path: Path) -> None:
    """As processes by those of the settings, as containers by those of docker-compose.yml."""
    chosen = settings.read(["UI_PORT=8489", "MASTER_PORT=5957", "RUNTIME=local"])
    (value,) = Roles(chosen, tmp_path).load_variables().values()
    assert json.loads(value)["STAMPEDE_OWN_PORTS"] == "localhost:8489 localhost:5957"
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for role in ("master", "worker"):
        listed = services[role]["environment"]["STAMPEDE_OWN_PORTS"].split()
        assert {"master:8089", "locust-master:5557", "postgres:5432"} <= {*listed}
        assert "host.docker.internal:${UI_PORT:-8089}" in listed
