"""Ctrl-C, in a process whose greenlets are all at work."""

from __future__ import annotations

import signal
import subprocess
import sys

PROGRAM = """
import sys, time
import gevent
from stampede.cluster import interrupt

def work():
    while True:
        end = time.monotonic() + 0.02
        while time.monotonic() < end:
            pass
        gevent.sleep(0.001)

interrupt.to_main_greenlet()
workers = [gevent.spawn(work) for _ in range(3)]
for _ in range(3):
    try:
        gevent.sleep(0.1)
        print("at work", flush=True)
        gevent.sleep(60)
    except KeyboardInterrupt:
        gevent.sleep(0.2)
        print("interrupted", sum(worker.dead for worker in workers), flush=True)
"""


def test_no_greenlet_ends_in_the_middle_of_its_work() -> None:
    """Each time it is the main one that hears of it."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with process:
        assert process.stdout
        for _ in range(3):
            assert process.stdout.readline() == "at work\n"
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "interrupted 0\n"
    assert process.returncode == 0
