"""``python -m stampede``: its verbs, their help, and what is no command."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stampede.__main__ import CLUSTER_COMMANDS
from stampede.rig.commands import VERBS

WRONG: tuple[list[str], ...] = (
    [],
    ["nonsense"],
    ["targets"],
    ["targets", "p95", "<", "3"],
    ["audit"],
    ["compare", "latest"],
    ["report", "one", "two"],
    ["up", "--workers", "4"],
)


def stampede(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stampede", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_usage_is_one_line_and_exits_with_two(arguments: list[str]) -> None:
    """As everywhere here: 1 would be a fault of ours."""
    done = stampede(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("stampede: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "verb", [*CLUSTER_COMMANDS, "try", "report", "compare", "audit", "targets", "locust"]
)
def test_each_verb_has_help(verb: str) -> None:
    done = stampede(verb, "--help")
    assert done.returncode == 0, done.stderr
    assert "usage: " in done.stdout.lower()
    assert verb in stampede("--help").stdout


def test_the_rig_has_the_verbs_that_are_announced() -> None:
    """The list stands where nothing of the rig is imported."""
    assert set(CLUSTER_COMMANDS) == set(VERBS)


def test_help_needs_nothing_but_python() -> None:
    """It is what a new user calls first."""
    code = "import sys; from stampede.__main__ import parser; parser(); "
    code += "assert not {'msgspec', 'locust', 'gevent', 'psycopg2'} & set(sys.modules)"
    subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, '.'); {code}"], check=True)
