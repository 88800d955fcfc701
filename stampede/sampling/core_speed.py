"""How fast a core is: the CPU time that one and the same piece of work takes.

A core of a rented machine is often half of a real one. While somebody else keeps the other half busy all
work takes half as long again, for seconds or minutes, and no counter of the machine says so: it is no steal.
An API that serves less then is not to blame, and one that serves more has not got better.
"""

from __future__ import annotations

import time

ROUNDS = 6000
"""A quarter of a millisecond or so: long enough to tell, short enough to hold up nobody."""


def same_work_ms() -> float:
    """Milliseconds of CPU that it takes now; without what this thread had to wait for a core."""
    began = time.thread_time()
    total = 0
    for number in range(ROUNDS):
        total += number * number
    return round((time.thread_time() - began) * 1000, 4)
