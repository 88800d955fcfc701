"""How fast a core is, told by a piece of work."""

from __future__ import annotations

import subprocess
import sys
from statistics import fmean

import pytest

from stampede import core_speed
from stampede.core_speed import same_work_ms


def test_twice_the_work_takes_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the core were half as fast. Neither is noise: what a core takes varies by less."""
    once = min(same_work_ms() for _ in range(50))
    monkeypatch.setattr(core_speed, "ROUNDS", 2 * core_speed.ROUNDS)
    twice = min(same_work_ms() for _ in range(50))
    assert 1.6 < twice / once < 2.4


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
