"""`make soak`: a run of a cluster in which a role grows is found; one that cannot be judged is refused."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.checkout import ROOT


def soak(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.soak", *arguments], cwd=ROOT, capture_output=True, text=True
    )


def test_workers_that_leak_are_found() -> None:
    """The other roles are sampled too, and have not grown."""
    done = soak("--run-time", "6s", "--locustfile", "tests/soak/leaking.py")
    assert done.returncode == 1, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert {line[0] for line in lines if line[-1:] == ["GROWN"]} == {"worker"}
    assert {line[0] for line in lines if "memory" in line} == {"worker", "master", "api", "postgres"}
    assert done.stdout.splitlines()[-1] == "GROWN: worker"


@pytest.mark.parametrize(
    ("run_time", "reason"),
    [
        ("soon", "soak: RUN_TIME must be a time such as 90, 90s, 5m or 1h30m, not 'soon'\n"),
        pytest.param(
            "3s",
            r"soak: \d samples are too few for a judgement: use a longer RUN_TIME than 3s\n",
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_run_that_cannot_be_judged_is_refused(run_time: str, reason: str) -> None:
    done = soak("--run-time", run_time)
    assert done.returncode == 2
    assert re.fullmatch(reason, done.stderr)


@pytest.mark.long
def test_a_cluster_is_flat() -> None:
    done = soak("--run-time", "90s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "FLAT: no role has grown"
