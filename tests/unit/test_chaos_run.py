"""When what is done: as planned, and where something takes longer, in the planned order all the same."""

from __future__ import annotations

from tests.chaos.plan import Fault
from tests.chaos.run import next_act
from tests.chaos.windows import Injection

KILL = Fault(1, 10, "kill", "api", 2)  # over at 17
PAUSE = Fault(2, 11, "pause", "postgres", 3)
CUT = Fault(3, 20, "cut", "worker", 5)


def test_a_fault_begins_at_its_time() -> None:
    """The first of those that wait."""
    assert next_act([KILL, PAUSE, CUT], [], [], started=100) == (110, KILL, None)


def test_a_fault_lasts_as_long_as_planned_from_when_it_is_in_effect() -> None:
    """However long it took to bring it about; what is planned meanwhile happens meanwhile."""
    begun = Injection(KILL, ordered=110, in_effect=115, over=115)
    assert next_act([PAUSE, CUT], [begun], [], started=100) == (111, PAUSE, None)
    assert next_act([CUT], [begun], [], started=100) == (117, KILL, begun)


def test_a_fault_waits_for_the_recovery_from_those_before_it() -> None:
    """Else nobody could tell what did what."""
    slow = Injection(KILL, ordered=110, in_effect=120, over=122)  # recovered at 127
    assert next_act([CUT], [], [slow], started=100) == (127, CUT, None)
