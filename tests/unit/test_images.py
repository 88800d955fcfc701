"""The images share what they can, and agree on what they are built with."""

import re
from pathlib import Path

MARK = "# ---- the same up to here ----\n"
DOCKERFILES = {role: Path(role, "Dockerfile").read_text() for role in ("api", "master", "worker")}


def test_master_and_worker_begin_alike() -> None:
    """To the letter: else their layers would not be shared."""
    master, worker = DOCKERFILES["master"], DOCKERFILES["worker"]
    assert MARK in master
    assert master.split(MARK)[0] == worker.split(MARK)[0]


def test_one_version_of_uv_builds_everything() -> None:
    """In the images, and in `make install`."""
    files = [*DOCKERFILES.values(), Path("Makefile").read_text()]
    assert len({version for file in files for version in re.findall(r"\buv==([\d.]+)", file)}) == 1


def test_no_image_runs_as_root() -> None:
    """Each ends as a user with a fixed number."""
    for dockerfile in DOCKERFILES.values():
        assert re.search(r"^USER (?!root)", dockerfile, re.MULTILINE)


def test_the_master_is_where_the_ports_say() -> None:
    """The health checks' ports are Locust's own defaults, which the configurations leave alone."""
    assert "8089" in Path("master/healthcheck.py").read_text()
    assert "5557" in Path("worker/healthcheck.py").read_text()
    for role in ("master", "worker"):
        assert "port" not in Path(role, "locust.conf").read_text()
