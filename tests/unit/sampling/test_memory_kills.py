"""The kernel's count of processes that it killed for lack of memory is read, wherever it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from stampede.sampling.memory_kills import MemoryKills


def test_new_kills_are_counted_once(tmp_path: Path) -> None:
    """Those from before the first look are none of the run."""
    file = tmp_path / "vmstat"
    file.write_text("nr_free_pages 5\noom_kill 3\noom_kill_other 9\n")
    kills = MemoryKills(file)
    assert kills.new() == 0
    file.write_text("oom_kill 5\n")
    assert kills.new() == 2
    assert kills.new() == 0


@pytest.mark.parametrize("content", [None, "", "oom_kill many\n", "my_oom_kill 5\n", "oom_kill 5 6\n"])
def test_a_kernel_without_the_count_has_no_kills(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "vmstat"
    if content is not None:
        file.write_text(content)
    assert MemoryKills(file).new() == 0


def test_the_kernel_here_is_read() -> None:
    """In containers of Linux it has the count too."""
    assert MemoryKills().new() >= 0
