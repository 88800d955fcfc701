"""How fast a core is, told by a piece of work."""

from __future__ import annotations

import subprocess
import sys
from statistics import fmean, median

import pytest

from stampede.sampling import core_speed
from stampede.sampling.core_speed import same_work_ms


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
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(8)]
    try:
        crowded = min(fmean(same_work_ms() for _ in range(50)) for _ in range(3))
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert crowded < 3 * alone
