"""Both versions of control groups, read from files as the kernel writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

import cgroup
from cgroup import Cgroup

VERSION_1 = {
    "cpu/cpu.stat": "nr_periods 812\nnr_throttled 400\nthrottled_time 20500000000\nnr_bursts 0\n",
    "cpu/cpu.cfs_quota_us": "50000\n",
    "cpu/cpu.cfs_period_us": "100000\n",
    "memory/memory.usage_in_bytes": "209715200\n",
    "memory/memory.limit_in_bytes": "536870912\n",
    "memory/memory.stat": "cache 9\ninactive_file 9\ntotal_inactive_file 9715200\n",
}
VERSION_2 = {
    "cpu.stat": "usage_usec 9\nnr_periods 812\nnr_throttled 400\nthrottled_usec 20500000\n",
    "cpu.max": "50000 100000\n",
    "memory.current": "209715200\n",
    "memory.max": "536870912\n",
    "memory.stat": "anon 9\ninactive_file 9715200\n",
}
UNLIMITED_1 = VERSION_1 | {
    "cpu/cpu.cfs_quota_us": "-1\n",
    "memory/memory.limit_in_bytes": "9223372036854771712\n",
}
UNLIMITED_2 = VERSION_2 | {"cpu.max": "max 100000\n", "memory.max": "max\n"}


def group(folder: Path, files: dict[str, str]) -> Cgroup:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return Cgroup(folder)


@pytest.mark.parametrize("files", [VERSION_1, VERSION_2], ids=["1", "2"])
def test_limits_and_what_they_cost_are_read(tmp_path: Path, files: dict[str, str]) -> None:
    """The same from both versions, in cores, seconds and bytes."""
    ours = group(tmp_path, files)
    assert (ours.cpu_limit(), ours.throttled_seconds()) == (0.5, 20.5)
    assert (ours.memory_used(), ours.memory_limit()) == (200_000_000, 512 * 1024**2)


@pytest.mark.parametrize("files", [UNLIMITED_1, UNLIMITED_2], ids=["1", "2"])
def test_no_limit_is_none(tmp_path: Path, files: dict[str, str]) -> None:
    """Not a very large number."""
    ours = group(tmp_path, files)
    assert (ours.cpu_limit(), ours.memory_limit()) == (None, None)
    assert ours.throttled_seconds() == 20.5


def test_where_there_are_no_control_groups_nothing_is_known(tmp_path: Path) -> None:
    """No error either: not every system has them."""
    ours = Cgroup(tmp_path)
    assert [ours.cpu_limit(), ours.throttled_seconds(), ours.memory_used(), ours.memory_limit()] == [None] * 4


def test_a_machine_is_known_by_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kernel calls it; where it does not tell, None."""
    boot_id = tmp_path / "boot_id"
    monkeypatch.setattr(cgroup, "BOOT_ID", boot_id)
    assert cgroup.boot_id() is None
    boot_id.write_text("671b7c57\n")
    assert cgroup.boot_id() == "671b7c57"
