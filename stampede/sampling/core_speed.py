"""How fast a core is: the CPU time that the same piece of work takes.

A core of a rented machine is often half of a real core. While another tenant keeps the other half busy, all
work takes half as long again, for seconds or minutes. No counter of the machine shows this, not even steal.
An API that serves less in that time is not worse, and one that serves more afterwards is not better.
"""

from __future__ import annotations

import time

ROUNDS = 6000
"""About a quarter of a millisecond: long enough to measure, and too short to delay other greenlets."""


def same_work_ms() -> float:
    """Return how long the work takes now, in ms of this thread's CPU time, without waiting for a core."""
    began = time.thread_time()
    total = 0
    for number in range(ROUNDS):
        total += number * number
    return round((time.thread_time() - began) * 1000, 4)
