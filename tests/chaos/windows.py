"""What happened when: faults as they were carried out, and what of a run belongs to which. Pure.

Times are seconds since the epoch. A fault's window goes from the moment it was ordered to that at which all
had to be as before (plan.RECOVERY after its end). Where windows overlap, the fault that began last has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stampede.facts.figures import Second
from tests.chaos.plan import RECOVERY, Fault

Order = tuple[float, float]
"""An order that was acknowledged: when it was first sent, when it was answered."""


@dataclass(frozen=True, slots=True)
class Injection:
    """A fault that was carried out."""

    fault: Fault
    ordered: float
    in_effect: float
    """From here on all was broken that was to break."""
    over: float
    """From here on nothing was, but for what takes time to recover; of what has no duration, `in_effect`."""
    told: str = ""

    @property
    def begun(self) -> float:
        """An order sent from here on has met the fault: a change takes effect while it is carried out."""
        return self.ordered if self.fault.what in ("scale", "restart") else self.in_effect

    @property
    def until(self) -> float:
        """The end of its window."""
        return self.over + RECOVERY[self.fault.target]


def owner(instant: float, injections: Iterable[Injection], length: float = 0.0) -> Injection | None:
    """The fault to whose window an instant, or what begins there and has a length in seconds, belongs."""
    covering = [
        each
        for each in injections
        if (each.ordered <= instant or each.ordered < instant + length) and instant < each.until
    ]
    return max(covering, key=lambda each: each.ordered, default=None)


def first_good_order(orders: Iterable[Order], since: float) -> float | None:
    """Seconds until an order was acknowledged that was sent at `since` or later; None if none was."""
    answered = [answer for sent, answer in orders if sent >= since]
    return min(answered) - since if answered else None


def errors(seconds: Sequence[Second], injections: Sequence[Injection]) -> dict[int | None, int]:
    """Failed requests by the number of the fault they belong to; under None those of no fault."""
    found: dict[int | None, int] = {None: 0, **{each.fault.number: 0 for each in injections}}
    for second in seconds:
        cause = owner(second.second, injections, 1.0)
        found[cause.fault.number if cause else None] += second.failures
    return found


@dataclass(frozen=True, slots=True)
class Dip:
    """Users that were missing in a fault's window."""

    lost: int
    """The target less the lowest number."""
    seconds: int
    """For how long it was under the target."""
    is_over: bool
    """Whether they were back at the window's end."""


def dip(seconds: Sequence[Second], injection: Injection, target: int) -> Dip | None:
    """None where the series says nothing of the window."""
    counts = [
        each.users
        for each in seconds
        if injection.ordered <= each.second and each.second + 1 <= injection.until
    ]
    if not counts:
        return None
    missing = [target - count for count in counts if count < target]
    return Dip(max(missing, default=0), len(missing), counts[-1] >= target)
