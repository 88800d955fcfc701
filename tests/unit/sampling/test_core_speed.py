"""How fast a core is, told by a piece of work."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from statistics import fmean, median

import pytest

from stampede.sampling import core_speed
from stampede.sampling.core_speed import same_work_ms

BUSY = """
print("at work", flush=True)
while True:
    pass
"""


def test_twice_the_work_takes_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the core were half as fast. Each pair is of one moment: a real core changes its speed as well."""
    one, ratios = core_speed.ROUNDS, []
    for _ in range(200):
        monkeypatch.setattr(core_speed, "ROUNDS", one)
        once = same_work_ms()
        monkeypatch.setattr(core_speed, "ROUNDS", 2 * one)
        ratios.append(same_work_ms() / once)
    assert 1.6 < median(ratios) < 2.4


def test_waiting_for_a_core_does_not_count() -> None:
    """Four processes beside it on a core leave it a fifth, and it needs no more of it."""
    alone = min(fmean(same_work_ms() for _ in range(50)) for _ in range(3))
    with ExitStack() as others:
        for _ in range(4 * (os.cpu_count() or 1)):
            other = others.enter_context(
                subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE)
            )
            others.callback(other.kill)
            assert other.stdout
            assert other.stdout.readline() == b"at work\n"
        crowded = min(fmean(same_work_ms() for _ in range(200)) for _ in range(3))
    assert crowded < 2.5 * alone
