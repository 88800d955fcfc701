"""The images share what they can, and agree on what they are built with."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from locust.argument_parser import get_parser

ROOT = Path(__file__).resolve().parents[2]
MARK = "# ---- the same up to here ----\n"
DOCKERFILES = {file.parent.name: file.read_text() for file in ROOT.glob("*/Dockerfile")}
COMPOSE = (ROOT / "docker-compose.yml").read_text()
USER_NUMBER = "10001"


def last_stage(role: str) -> str:
    """What the image is, without what it is built in."""
    return re.split(r"^FROM ", DOCKERFILES[role], flags=re.MULTILINE)[-1]


def exposed(role: str) -> set[int]:
    """The ports an image says it listens on."""
    lines = re.findall(r"^EXPOSE (.*)", last_stage(role), re.MULTILINE)
    return {int(port) for line in lines for port in line.split()}


def published(service: str) -> set[int]:
    """The container's side of the ports that docker-compose.yml publishes for a service."""
    (block,) = re.findall(rf"^  {service}:\n((?: {{4}}.*\n|\n)+)", COMPOSE, re.MULTILINE)
    return {int(port) for port in re.findall(r"\}:(\d+)\"", block)}


def checked(role: str) -> set[int]:
    """The ports a role's health check looks at, and its image does run that."""
    script = f"{role}/healthcheck.py"
    assert re.search(rf'^HEALTHCHECK .*CMD \["python", "{script}"\]', last_stage(role), re.MULTILINE)
    return {int(port) for port in re.findall(r"\b\d{4,5}\b", (ROOT / script).read_text())}


def locust_port(role: str, option: str) -> int:
    """A port as Locust takes it from a role's configuration file, else its own default."""
    parser = get_parser(default_config_files=[str(ROOT / role / "locust.conf")])
    return int(getattr(parser.parse_args([]), option))


def test_master_and_worker_begin_alike() -> None:
    """To the letter: else their layers would not be shared."""
    master, worker = DOCKERFILES["master"], DOCKERFILES["worker"]
    assert MARK in master
    assert master.split(MARK)[0] == worker.split(MARK)[0]


def froms(role: str) -> list[str]:
    """The lines of a Dockerfile that begin a stage."""
    return re.findall(r"^FROM .*", DOCKERFILES[role], re.MULTILINE | re.IGNORECASE)


def test_all_images_have_one_base_whose_tag_dependabot_can_update() -> None:
    """Dependabot finds a tag at the end of a word only: a variable directly behind it stops every update."""
    tags = [re.findall(r"^FROM (\S+:\S+)", "\n".join(froms(role)), re.MULTILINE) for role in DOCKERFILES]
    (tag,) = {tuple(tags_of_role) for tags_of_role in tags}
    assert len(tag) == 1
    assert re.fullmatch(r"python:[\w.-]+", tag[0])


@pytest.mark.parametrize("role", DOCKERFILES)
def test_a_digest_replaces_the_tag_of_the_base(role: str) -> None:
    """With a digest, `python${PYTHON_DIGEST}` is an image; with none, it is the stage that has the tag."""
    assert re.split("^FROM ", DOCKERFILES[role], flags=re.MULTILINE)[0].endswith("\nARG PYTHON_DIGEST=\n")
    tagged, pinned, *others = froms(role)
    assert tagged.endswith(" AS python")
    assert pinned == "FROM python${PYTHON_DIGEST} AS base"
    assert others == ["FROM base AS build", "FROM base"]


def test_compose_has_a_variable_for_each_base_and_needs_none() -> None:
    """In a form that Dependabot can update."""
    services = yaml.safe_load(COMPOSE)["services"].values()
    built = [service["build"]["args"] for service in services if "build" in service]
    assert built == [{"PYTHON_DIGEST": "${PYTHON_DIGEST:-}"}] * len(DOCKERFILES)
    (image,) = {service["image"] for service in services if "image" in service}
    assert re.fullmatch(r"\$\{POSTGRES_IMAGE:-postgres:\d+\}", image)


def test_one_version_of_uv_builds_everything() -> None:
    """In the images, and in `make install`."""
    files = [*DOCKERFILES.values(), (ROOT / "Makefile").read_text()]
    (version,) = {tuple(re.findall(r"\buv==([\d.]+)", file)) for file in files}
    assert len(version) == 1, "each names it"


@pytest.mark.parametrize("role", DOCKERFILES)
def test_no_image_runs_as_root(role: str) -> None:
    """Each ends as the one user whose number is fixed, so that volumes keep their owner."""
    made = dict(re.findall(r"\buseradd .*--uid (\d+) .*?(\w+)(?: &&|$)", last_stage(role), re.MULTILINE))
    numbers = {name: number for number, name in made.items()}
    *_, last = re.findall(r"^\s*USER\s+(\S+)", last_stage(role), re.MULTILINE | re.IGNORECASE)
    user, _, group = last.partition(":")
    assert numbers.get(user, user) == USER_NUMBER
    assert group not in ("0", "root")


def test_the_api_is_where_compose_publishes_it() -> None:
    """Its command, EXPOSE, its health check and the published port's container side are one number."""
    (port,) = exposed("api")
    assert published("api") == {port}
    assert checked("api") == {port}
    assert f'"--port", "{port}"]' in last_stage("api")


def test_the_master_is_where_compose_publishes_it() -> None:
    """The UI as Locust configures it is what the health check asks and Compose publishes."""
    ui = locust_port("master", "web_port")
    assert published("master") == {ui}
    assert checked("master") == {ui}
    assert exposed("master") == {ui, locust_port("master", "master_bind_port")}


def test_workers_look_for_the_master_where_it_listens() -> None:
    """One port in both configurations."""
    port = locust_port("worker", "master_port")
    assert port == locust_port("master", "master_bind_port")
    assert checked("worker") == set(), "it looks at what the worker knows, not at a port"
    assert exposed("worker") == published("worker") == set()


def test_the_engine_runs_without_the_rig(tmp_path: Path) -> None:
    """As in the images, which .dockerignore keeps the rig out of."""
    assert "\nstampede/rig\n" in (ROOT / ".dockerignore").read_text()
    shutil.copytree(ROOT / "stampede", tmp_path / "stampede", ignore=shutil.ignore_patterns("rig"))
    shutil.copy(ROOT / "cgroup.py", tmp_path)
    command = [sys.executable, "-m", "stampede"]
    done = subprocess.run([*command, "schema"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    subprocess.run([*command, "locust", "--version"], cwd=tmp_path, check=True, capture_output=True)
