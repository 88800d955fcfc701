"""What this process uses."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cgroup import Cgroup
from stampede.sampling.usage import Usage
from tests.unit.test_cgroup import VERSION_1, VERSION_2, group


def burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """As where users keep a connection open each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as held:
        next_one = os.open(os.devnull, os.O_RDONLY)
        held.callback(os.close, next_one)
        held.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (next_one + 1, hard))
        with pytest.raises(OSError, match="Too many open files"):
            os.open(os.devnull, os.O_RDONLY)
        yield


def test_cpu_is_that_of_the_process_since_the_last_look(tmp_path: Path) -> None:
    """In percent of one core."""
    usage = Usage(Cgroup(tmp_path))
    began = time.monotonic()
    burn(0.2)
    time.sleep(0.1)
    busy = usage.measure().cpu_percent
    assert busy == pytest.approx(100 * 0.2 / (time.monotonic() - began), rel=0.1)
    time.sleep(0.2)
    idle = usage.measure().cpu_percent
    assert idle is not None
    assert idle < 20


def test_outside_of_a_container_memory_is_the_processes(tmp_path: Path) -> None:
    """And there are no limits."""
    used = Usage(Cgroup(tmp_path)).measure()
    assert used.memory_mb is not None
    assert 10 < used.memory_mb < 2000
    assert [used.cpu_limit_cores, used.memory_limit_mb, used.throttled_percent] == [None] * 3


def test_what_cannot_be_looked_at_is_not_known(tmp_path: Path) -> None:
    """And all the rest is: who samples goes on."""
    usage = Usage(Cgroup(tmp_path))
    with no_descriptor_left():
        used = usage.measure()
    assert used.memory_mb is None
    assert used.cpu_percent is not None
    known = usage.measure().memory_mb
    assert known is not None
    assert known > 10


@pytest.mark.parametrize("files", [VERSION_1, VERSION_2], ids=["1", "2"])
def test_in_a_container_memory_is_what_counts_towards_its_limit(
    tmp_path: Path, files: dict[str, str]
) -> None:
    """As the kernel will end it when that is reached."""
    used = Usage(group(tmp_path, files)).measure()
    assert (used.memory_mb, used.memory_limit_mb, used.cpu_limit_cores) == (190.7, 512.0, 0.5)


def test_throttled_is_the_share_of_the_time_since_the_last_look(tmp_path: Path) -> None:
    """Not since the container's start; never more than all of it."""
    usage = Usage(group(tmp_path, VERSION_2))
    time.sleep(0.1)
    assert usage.measure().throttled_percent == 0.0
    began = time.monotonic()
    time.sleep(0.2)
    group(tmp_path, {"cpu.stat": "throttled_usec 20600000\n"})  # a tenth of a second more
    assert usage.measure().throttled_percent == pytest.approx(10 / (time.monotonic() - began), rel=0.1)
    group(tmp_path, {"cpu.stat": "throttled_usec 99900000\n"})
    assert usage.measure().throttled_percent == 100.0
