"""Output that nothing reads: a command goes on, and what it prints is dropped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

STAMPEDE = (sys.executable, "-m", "stampede")


@pytest.mark.parametrize("verb", [("schema",), ("targets", "p95 < 1s"), ("--help",)])
def test_a_closed_pipe_is_no_error(verb: tuple[str, ...]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([*STAMPEDE, *verb], stdout=write_end, stderr=subprocess.PIPE, text=True)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, "")


def test_output_that_was_never_open_is_no_error() -> None:
    """As in `>&-`; the descriptor is not taken for a file that is opened later."""
    done = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *STAMPEDE, "schema"], stderr=subprocess.PIPE, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_message_that_nothing_reads_keeps_its_exit_code() -> None:
    """Standard error is closed too when a terminal is."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([*STAMPEDE, "nonsense"], stdout=subprocess.PIPE, stderr=write_end, text=True)
    os.close(write_end)
    assert (done.returncode, done.stdout) == (2, "")


def test_what_is_read_is_printed_as_ever() -> None:
    done = subprocess.run([*STAMPEDE, "targets", "p95 < 300ms"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "p95 < 300ms\n", "")


def test_other_errors_of_a_write_are_reported() -> None:
    """A full disk is not an output that nobody wants."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*STAMPEDE, "schema"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode != 0
    assert "No space left on device" in done.stderr
