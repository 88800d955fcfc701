"""What make does before anything of ours is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With our Makefile in it, and nothing but what that asks for."""
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(name, tmp_path)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As a user types it: a make around this one has no say."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def test_an_install_that_failed_is_taken_up_again(folder: Path) -> None:
    """It makes .venv before it downloads what belongs there; one that was done rests."""
    downloads = folder / "downloads"
    uv = folder / ".local" / "uv" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text(f"#!/bin/sh\nmkdir -p .venv && echo tried >>tries && test -e {downloads}\n")
    uv.chmod(0o755)
    assert make(folder, "install").returncode != 0
    downloads.touch()
    assert make(folder, "install").returncode == 0
    assert make(folder, "install").returncode == 0
    assert (folder / "tries").read_text().count("tried") == 2


@pytest.mark.parametrize(
    ("told", "handed_on"),
    [
        (["headless", "PROFIL=smoke", "DURATION=60s"], ["headless", "DURATION=60s", "PROFIL=smoke"]),
        (
            ["headless", "TARGETS=p95 < 3s, stable", "USERS="],
            ["headless", "TARGETS=p95 < 3s, stable", "USERS="],
        ),
        (["scale", "N=8", "RUNTIME=local"], ["scale", "RUNTIME=local", "WORKERS=8"]),
        (["up", """HOST=http://it's/"here`"""], ["up", """HOST=http://it's/"here`"""]),
        (["up"], ["up"]),
        (["up", "UI_PASSWORD=lovelace", "UI_USER=ada"], ["up", "UI_USER=ada"]),
    ],
)
def test_what_make_is_told_goes_on_to_the_rig(folder: Path, told: list[str], handed_on: list[str]) -> None:
    """All of it, so that a word that means nothing is refused there; nothing of the environment's."""
    (folder / "stampede").mkdir()
    script = "import sys; print(sys.argv[1:2] + sorted(sys.argv[2:]))"
    (folder / "stampede" / "__main__.py").write_text(script)
    assert make(folder, *told).stdout == f"{handed_on}\n"


def test_a_password_reaches_the_rig_in_the_environment(folder: Path) -> None:
    """`ps` shows arguments to all users. One of the command line overrides that of the environment."""
    (folder / "stampede").mkdir()
    main = "import os, sys; print(sys.argv[1:], os.environ['UI_PASSWORD'])"
    (folder / "stampede" / "__main__.py").write_text(main)
    for password in ("love$lace 'x'", ""):
        shown = make(folder, "up", f"UI_PASSWORD={password}".replace("$", "$$")).stdout
        assert shown == f"['up'] {password}\n"


def test_a_comparison_is_told_its_options(folder: Path) -> None:
    """Each only if it is set."""
    asked = make(folder, "--dry-run", "compare", "A=x", "B=y", "FAIL_IF_WORSE=1", "HTML=page.html").stdout
    assert "-m stampede compare 'x' 'y'  --fail-if-worse --html 'page.html'" in asked
    assert "-m stampede compare 'x' ''" in make(folder, "--dry-run", "compare", "A=x").stdout
