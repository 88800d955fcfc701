"""``python -m stampede`` without a command it knows."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["targets"], ["targets", "p95", "<", "3"]])
def test_wrong_usage_exits_with_two(arguments: list[str]) -> None:
    """As everywhere here: 1 would be a fault of ours."""
    command = [sys.executable, "-m", "stampede", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: python -m stampede ")
