"""The limits of what is received."""

from __future__ import annotations

import gevent

from stampede.http.limits import LONGEST_WORK, Work


def test_other_greenlets_run_after_long_work() -> None:
    """Not after each piece: a switch takes time, too."""
    other = gevent.spawn(lambda: None)
    work = Work()
    work.add(LONGEST_WORK / 2)
    assert not other.dead
    work.add(LONGEST_WORK / 2)
    assert other.dead
