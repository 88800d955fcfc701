"""Two clones on one machine: neither touches the containers of the other."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stampede.rig.settings import project_of
from tests.checkout import Checkout, copied_project
from tests.cluster.test_plain_compose import compose, containers

pytestmark = pytest.mark.long

VERBS = ["up", "headless", "scale", "restart", "logs", "ps", "down", "reset"]


@pytest.fixture(scope="module")
def other(engine: None, checkout: Checkout) -> Iterator[Checkout]:  # noqa: ARG001  (skips without one)
    """A clone whose database runs, under the project's name that `checkout` has too."""
    with copied_project() as clone:
        clone.project = checkout.environment["COMPOSE_PROJECT_NAME"]
        compose(clone, "up", "--detach", "--wait", "postgres")
        yield clone
        compose(clone, "down", "--volumes")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("runtime", [("RUNTIME=compose",), ()])
def test_the_containers_of_another_clone_are_left_alone(
    checkout: Checkout, other: Checkout, verb: str, runtime: tuple[str, ...]
) -> None:
    """Each command is refused in one line that says where they were started."""
    before = containers(other)
    done = checkout.rig(verb, *runtime, "FORCE=1", *(["WORKERS=2"] if verb == "scale" else []))
    name = checkout.environment["COMPOSE_PROJECT_NAME"]
    assert (done.returncode, done.stdout) == (
        2,
        f"stampede: the containers of '{name}' were started in {other.folder}: set another "
        f"COMPOSE_PROJECT_NAME, or stop them (`docker compose --project-name {name} down`)\n",
    )
    assert containers(other) == before


def test_a_trial_does_not_replace_the_image_of_another_clone(checkout: Checkout, other: Checkout) -> None:
    """It would be the image of workers that are added there."""
    done = checkout.rig("try", "RUNTIME=compose", "HOST=http://127.0.0.1:9")
    assert (done.returncode, f"were started in {other.folder}" in done.stdout) == (2, True)


def test_containers_that_have_ended_belong_to_their_clone_too(checkout: Checkout, other: Checkout) -> None:
    """Their logs are there, and their volumes."""
    compose(other, "stop")
    assert checkout.rig("reset", "RUNTIME=compose", "FORCE=1").returncode == 2
    compose(other, "up", "--detach", "--wait", "postgres")


def test_a_link_to_the_folder_is_no_other_folder(other: Checkout) -> None:
    """Compose notes the path as the shell has it."""
    link = other.folder.with_name(f"{other.folder.name}-link")
    link.symlink_to(other.folder)
    try:
        done = other.run("sh", "-c", f"cd {link} && docker compose up --detach --force-recreate postgres")
        assert done.returncode == 0, done.stdout
        done = other.rig("ps", "RUNTIME=compose")
    finally:
        link.unlink()
    assert done.returncode == 0, done.stdout
    assert "postgres" in done.stdout


@pytest.mark.parametrize("name", ["stampede", "stampede-2", "A.b-C_d", "_-Stämpede 3", "9"])
@pytest.mark.usefixtures("engine")
def test_the_default_name_is_that_of_the_folder(tmp_path: Path, name: str) -> None:
    """For the rig as for Compose: `make up`, then `docker compose scale`."""
    folder = tmp_path / name
    folder.mkdir()
    compose_file = Path("docker-compose.yml").read_text()
    (folder / "docker-compose.yml").write_text(compose_file)
    (folder / "load_tests").mkdir()
    environment = ["env", "-u", "COMPOSE_PROJECT_NAME", "docker", "compose", "config", "--format", "json"]
    done = subprocess.run(environment, cwd=folder, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["name"] == project_of(folder)
    cluster = found["services"]["master"]["environment"]["STAMPEDE_CLUSTER"]
    assert cluster == f"compose-{project_of(folder)}"
