"""What the faults came to: a row for each, a table of them, and what is wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from stampede.facts.event import Event
from stampede.facts.figures import Second
from stampede.facts.verdict_json import Check, Verdict
from tests.chaos.plan import RECOVERY, Fault
from tests.chaos.windows import Dip, Injection, Order, dip, errors, first_good_order, owner

LOST, DOUBLED = ("acknowledged_orders_kept",), ("one_order_per_key",)
OVERSOLD = ("no_oversell", "no_negative_stock")
UNACCOUNTED = "all_requests_counted"

HEAD = (
    *("#", "fault", "at", "good order after", "after its end", "errors", "users lost"),
    *("unaccounted", "lost", "doubled", "oversold"),
)
UNKNOWN, NONE = "?", "-"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run left behind, as far as it matters here."""

    started: float
    users: int
    """The target."""
    orders: Sequence[Order]
    seconds: Sequence[Second]
    correct: Sequence[Check]
    valid: Sequence[Check] = ()
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one fault; None where nothing is."""

    fault: Fault
    at: float | None = None
    """Seconds after the run's start."""
    good_order: float | None = None
    """Seconds from when it was in effect to the first order acknowledged that was sent since."""
    good_order_after_end: float | None = None
    errors: int | None = None
    dip: Dip | None = None
    unaccounted: str = NONE
    lost: int | None = None
    doubled: int | None = None
    oversold: int | None = None
    told: str = ""
    skipped: bool = False
    """Whether the runtime cannot do it; then `told` says why."""

    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        return (
            str(self.fault.number),
            self.fault.words,
            NONE if self.at is None else f"{self.at:.0f} s",
            _seconds(self.good_order, self.skipped),
            _seconds(self.good_order_after_end, self.skipped or not self.fault.duration),
            _number(self.errors, self.skipped or self.fault.ends_the_run),
            self._users(),
            self.unaccounted,
            _number(self.lost, self.skipped),
            _number(self.doubled, self.skipped),
            _number(self.oversold, self.skipped),
        )

    def _users(self) -> str:
        if self.skipped or self.fault.ends_the_run:
            return NONE
        if self.dip is None:
            return UNKNOWN
        return f"{self.dip.lost}, {self.dip.seconds} s" if self.dip.lost else "0"


@dataclass(frozen=True, slots=True)
class Interruption:
    """A run that its master did not see to its end. Times in seconds since the epoch."""

    fault: Fault
    started: float
    ordered: float
    answered: float
    """When the master answered again."""
    ready: float | None
    """When all workers had joined it; None if they did not."""

    @property
    def words(self) -> str:
        """One line."""
        if self.ready is None:
            return "not all workers reconnected"
        return f"all workers reconnected {self.ready - self.answered:.1f} s after the master answered"


@dataclass(slots=True)
class Report:
    """Rows, and beneath them what belongs to none."""

    rows: list[Row] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def leave_out(self, fault: Fault, reason: str) -> None:
        """This runtime cannot do it, which is nobody's fault."""
        self.rows.append(Row(fault, told=f"not possible: {reason}", skipped=True))

    def fail(self, fault: Fault, reason: str) -> None:
        """It was not carried out."""
        self.rows.append(Row(fault, told=f"not carried out: {reason}", skipped=True))
        self.complaints += _about(fault, [f"not carried out: {reason}"])


def of_the_load(injections: Sequence[Injection], evidence: Evidence) -> Report:
    """What a run with faults in it came to."""
    by_cause = errors(evidence.seconds, injections) if evidence.seconds else {}
    counted = _find(evidence.valid, UNACCOUNTED)
    rows = [
        Row(
            each.fault,
            at=each.ordered - evidence.started,
            good_order=first_good_order(evidence.orders, each.begun),
            good_order_after_end=first_good_order(evidence.orders, each.over),
            errors=by_cause.get(each.fault.number),
            dip=dip(evidence.seconds, each, evidence.users),
            unaccounted=_share(counted),
            lost=offenders(evidence.correct, LOST, each, injections),
            doubled=offenders(evidence.correct, DOUBLED, each, injections),
            oversold=offenders(evidence.correct, OVERSOLD, each, injections),
            told="; ".join(filter(None, (each.told, *_events(evidence, each, injections)))),
        )
        for each in injections
    ]
    report = Report(rows)
    outside = by_cause.get(None)
    report.remarks.append(f"errors that belong to no fault: {_number(outside, False)}")
    report.remarks.append(_in_words(counted) if counted else f"{UNACCOUNTED}: not checked")
    report.complaints += [complaint for row in rows for complaint in complaints(row)]
    report.complaints += _of_the_run(evidence, injections, outside, counted)
    return report


def of_an_interruption(
    happened: Interruption, after: Evidence, correct: Sequence[Check], verdict: Verdict | None
) -> Report:
    """What a run came to whose master went away: `after` is of the run that followed it, `correct` what an
    audit by hand says of it, `verdict` what it left by itself."""
    fault = happened.fault
    injections = [Injection(fault, happened.ordered, happened.ordered, happened.answered)]
    lost, doubled, oversold = (
        offenders(correct, names, injections[0], injections) for names in (LOST, DOUBLED, OVERSOLD)
    )
    row = Row(
        fault,
        at=happened.ordered - happened.started,
        good_order=first_good_order(after.orders, happened.ordered),
        good_order_after_end=first_good_order(after.orders, happened.answered),
        lost=lost,
        doubled=doubled,
        oversold=oversold,
        told=f"the master answered after {happened.answered - happened.ordered:.1f} s; {happened.words}; "
        "the good order is of the next run",
    )
    found = []
    if happened.ready is None or happened.ready - happened.answered > RECOVERY["master"]:
        found.append(f"{happened.words}; the limit is {RECOVERY['master']:g} s")
    if row.good_order is None:
        found.append("no order of the next run was acknowledged")
    if verdict is not Verdict.UNKNOWN:
        found.append(f"the verdict of the interrupted run is {verdict or 'missing'}; it must be UNKNOWN")
    found += [*_wrong_orders(row), *_not_green(correct)]
    return Report([row], complaints=_about(fault, found))


def complaints(row: Row) -> list[str]:
    """What is wrong with what a fault came to."""
    if row.skipped:
        return []
    patience = RECOVERY[row.fault.target]
    last = row.good_order_after_end if row.fault.duration else row.good_order
    found = []
    if last is None:
        found.append("no order was acknowledged after the fault")
    elif last > patience:
        found.append(
            f"no order was acknowledged for {last:.1f} s after the fault; the limit is {patience:g} s"
        )
    if row.dip and not row.dip.is_over:
        found.append(f"users were still missing at the end of the recovery time: up to {row.dip.lost}")
    elif row.dip and row.dip.seconds > patience:
        found.append(f"users were missing for {row.dip.seconds} s; the limit is {patience:g} s")
    return _about(row.fault, [*found, *_wrong_orders(row)])


def _wrong_orders(row: Row) -> list[str]:
    counts = {"lost": row.lost, "doubled": row.doubled, "oversold": row.oversold}
    return [f"{count} acknowledged orders {what}" for what, count in counts.items() if count]


def _about(fault: Fault, found: Iterable[str]) -> list[str]:
    return [f"fault {fault.number} ({fault.words}): {each}" for each in found]


def _of_the_run(
    evidence: Evidence, injections: Sequence[Injection], outside: int | None, counted: Check | None
) -> list[str]:
    found = []
    if not evidence.seconds:
        found.append("run.json has no seconds: the errors and users of a fault are unknown")
    if outside:
        found.append(f"{outside} errors belong to no fault: {_when(evidence, injections)}")
    highest = max((each.users for each in evidence.seconds), default=0)
    if highest > evidence.users:
        found.append(f"there were {highest} users, {highest - evidence.users} more than the target")
    if counted is None:
        found.append(f"VALID has no check {UNACCOUNTED}")
    elif counted.verdict is Verdict.FAIL:
        found.append(f"{UNACCOUNTED}: {counted.detail}")
    if not evidence.correct:
        found.append("the run was not audited")
    return found + _not_green(evidence.correct)


def _not_green(correct: Sequence[Check]) -> list[str]:
    return [_in_words(check) for check in correct if check.verdict in (Verdict.FAIL, Verdict.UNKNOWN)]


def _events(evidence: Evidence, injection: Injection, injections: Sequence[Injection]) -> list[str]:
    """What run.json says that happened in a fault's window, and how long after its beginning."""
    return [
        f"{event.name} {event.worker or ''}".strip() + f" after {event.at - injection.begun:.1f} s"
        for event in evidence.events
        if owner(event.at, injections) is injection
    ]


def _when(evidence: Evidence, injections: Sequence[Injection]) -> str:
    """The seconds of the run in which something failed that no fault explains."""
    told = [
        f"{each.failures} at second {each.second - evidence.started:.0f}"
        for each in evidence.seconds
        if each.failures and owner(each.second, injections, 1.0) is None
    ]
    return ", ".join([*told[:5], "…"] if len(told) > 5 else told)


def _share(counted: Check | None) -> str:
    """Requests that no event explains, as far as they can be this fault's: a gap is the whole run's."""
    if counted is None or counted.count is None:
        return UNKNOWN
    return f"≤ {counted.count}" if counted.count else "0"


def offenders(
    correct: Sequence[Check], names: Iterable[str], injection: Injection, injections: Sequence[Injection]
) -> int | None:
    """How many are wrong, if the first of them falls into this fault's window; None if nobody has looked."""
    checks = [check for check in correct if check.name in names and check.verdict is not Verdict.UNKNOWN]
    if not checks:
        return None
    return sum(
        check.count or 0
        for check in checks
        if check.verdict is Verdict.FAIL and cause_of(check, injections) is injection
    )


def cause_of(check: Check, injections: Sequence[Injection]) -> Injection | None:
    """The fault in whose window the first offender falls, else the last one before it."""
    at = (check.first or {}).get("at")
    if at is None:
        return None
    instant = datetime.fromisoformat(at).timestamp()
    before = [each for each in injections if each.ordered <= instant]
    return owner(instant, injections) or max(before, key=lambda each: each.ordered, default=None)


def table(rows: Sequence[Row]) -> str:
    """Markdown, its columns aligned; beneath it what was told of single faults."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    lines.insert(1, tuple("-" * width for width in widths))
    shown = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    notes = [f"{row.fault.number}: {row.told}" for row in rows if row.told]
    return "\n".join([*shown, *([""] if notes else []), *notes])


def _find(checks: Iterable[Check], name: str) -> Check | None:
    return next((check for check in checks if check.name == name), None)


def _in_words(check: Check) -> str:
    return f"{check.name} is {check.verdict}: {check.detail}"


def _seconds(value: float | None, does_not_apply: bool) -> str:
    if does_not_apply:
        return NONE
    return "never" if value is None else f"{value:.2f} s"


def _number(value: int | None, does_not_apply: bool) -> str:
    if does_not_apply:
        return NONE
    return UNKNOWN if value is None else str(value)
