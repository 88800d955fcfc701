"""Compose is called for this project only, and its first error is the one that is shown."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from stampede.rig import UsageError, cluster, compose, settings
from stampede.rig.compose import Compose, _ready
from tests.lossless.commands import free_port
from tests.unit.bare import bare_environment  # noqa: F401

DOCKER = """#!/bin/sh
echo "$* | $(env | grep ^COMPOSE_ | sort | tr '\\n' ' ')" >> {calls}
case "$*" in
info | "compose version") exit 0 ;;
*" build "*) echo "no space left" >&2; exit 1 ;;
*" down "*) echo "the engine is gone" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A `docker` that lists its calls, and can neither build nor stop anything."""
    calls, docker = tmp_path / "calls", tmp_path / "docker"
    docker.write_text(DOCKER.format(calls=calls))
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return calls


def test_variables_of_another_project_do_not_reach_compose(
    monkeypatch: pytest.MonkeyPatch, calls: Path, tmp_path: Path
) -> None:
    """Neither those of the shell nor those of .env; the project's name is a setting."""
    monkeypatch.setenv("COMPOSE_FILE", "/other.yml")
    (tmp_path / ".env").write_text("COMPOSE_PROFILES=other\n")
    assert Compose.available()
    Compose(settings.read(["RUNTIME=compose", "COMPOSE_PROJECT_NAME=mine"])).is_up()
    info, version, ps = calls.read_text().splitlines()
    assert (info.strip(), version.strip()) == ("info |", "compose version |")
    assert ps.startswith("compose --file docker-compose.yml --env-file /dev/null ps ")
    assert ps.endswith("| COMPOSE_PROJECT_NAME=mine ")


def test_no_call_has_the_password_in_its_arguments(calls: Path, tmp_path: Path) -> None:
    """`ps` shows arguments to all users. Compose does not read .env: its warnings could quote a password."""
    (tmp_path / ".env").write_text("UI_USER=ada\nUI_PASSWORD='love$lace'\n")
    given = settings.read(["RUNTIME=compose", "HOST=http://127.0.0.1:9", f"UI_PORT={free_port()}"])
    assert given.login == ("ada", "love$lace")
    runtime = Compose(given)
    for call in (runtime.is_up, runtime.seed, runtime.restart_load, runtime.change_load):
        call()
    runtime.write_logs(tmp_path)
    for failing in (runtime.up, runtime.down, lambda: runtime.run_once("trial")):
        with pytest.raises(UsageError):
            failing()
    assert len(calls.read_text().splitlines()) > 8
    assert "love" not in calls.read_text()
    assert not [call for call in calls.read_text().splitlines() if "--env-file /dev/null" not in call]


def test_workers_that_are_added_need_the_env_file(calls: Path, tmp_path: Path) -> None:
    """They would run without its variables."""
    env_file = tmp_path / "shop.env"
    env_file.touch()
    runtime = Compose(settings.read(["RUNTIME=compose", f"ENV_FILE={env_file}"]))
    runtime.scale(2)
    env_file.unlink()
    with pytest.raises(UsageError, match=f"new workers need ENV_FILE={env_file}, which no longer exists"):
        runtime.scale(3)
    assert len(calls.read_text().splitlines()) == 1
    runtime.ps()


@pytest.mark.parametrize(
    ("service", "state", "health", "exit_code", "ready"),
    [
        ("api", "running", "healthy", 0, True),
        ("api", "running", "starting", 0, False),
        ("api", "exited", "", 0, False),
        ("secrets", "running", "", 0, False),
        ("secrets", "exited", "", 0, True),
        ("secrets", "exited", "", 1, False),
    ],
)
def test_a_container_is_ready_when_it_is_healthy_or_has_written_the_secrets(
    service: str, state: str, health: str, exit_code: int, ready: bool
) -> None:
    container = {"Service": service, "State": state, "Health": health, "ExitCode": exit_code}
    assert _ready(container) is ready


def test_an_error_of_the_cleanup_does_not_hide_the_first_one(
    calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = settings.read(["RUNTIME=compose", "HOST=http://127.0.0.1:9", f"UI_PORT={free_port()}"])
    with pytest.raises(UsageError, match=r"^the images cannot be built: no space left$"):
        cluster.bring_up(Compose(given), given)
    assert " down " in calls.read_text()
    assert (
        "the cluster may still be up: docker compose down failed: the engine is gone"
        in capsys.readouterr().err
    )


STALE = "failed to remove network: network mine_cluster id 2041 has active endpoints"


@pytest.mark.parametrize("failures", [1, 1000], ids=["for a moment", "for ever"])
def test_a_network_that_the_engine_does_not_free_does_not_fail_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], failures: int
) -> None:
    """The run was judged before: its verdict must not get lost for that."""
    calls, docker = tmp_path / "calls", tmp_path / "docker"
    docker.write_text(
        f"""#!/bin/sh
case "$*" in *" down "*) ;; *) exit 0 ;; esac
echo down >> {calls}
test "$(wc -l < {calls})" -gt {failures} || {{ echo "{STALE}" >&2; exit 1; }}
"""
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(compose, "REMOVAL_TIMEOUT", 0.6)
    Compose(settings.read(["RUNTIME=compose"])).down()
    assert calls.read_text().count("down") > 1
    assert capsys.readouterr().err == (
        "" if failures == 1 else f"stampede: a network is left, which the next start uses: {STALE}\n"
    )


def test_a_network_with_a_container_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(
        f"""#!/bin/sh
case "$*" in *" down "*) echo "{STALE}" >&2; exit 1 ;; *" ps "*) echo '{{"Service": "master"}}' ;; esac
"""
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(UsageError, match="docker compose down failed: failed to remove network"):
        Compose(settings.read(["RUNTIME=compose"])).down()


@pytest.mark.parametrize("service", ["worker", "master"])
def test_a_container_that_was_killed_is_recognized(calls: Path, tmp_path: Path, service: str) -> None:
    """Its exit code is 137, and its log has nothing about it."""
    container = {"Service": service, "State": "exited", "Health": "", "ExitCode": 137}
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\ncase \"$*\" in *' ps '*) echo '{json.dumps(container)}';; esac\n")
    runtime = Compose(settings.read(["RUNTIME=compose"]))
    message = rf"{service} was killed \(exit code 137\): .* set {service.upper()}_MEMORY=2g"
    if service == "worker":
        assert re.fullmatch(message, str(runtime.worker_error()))
    else:
        with pytest.raises(UsageError, match=message):
            runtime._wait_until_healthy(None)
    assert calls.parent == tmp_path
