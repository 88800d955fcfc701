"""What the runs prove: the audit's checks in, a table and complaints out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Checks = Mapping[str, Mapping[str, Any]]
"""The checks of one part of a run's verdict, by their names."""

EXPECTED, BESIDES, GREEN, UNDECIDED, NOTHING, MISSED = "✗", "x", "·", "?", "-", "!"
LEGEND = (
    f"{EXPECTED} red, as expected   {BESIDES} also red   {GREEN} green   {UNDECIDED} undecided   "
    f"{NOTHING} nothing to check   {MISSED} not red, but must be"
)

RED = frozenset({"FAIL"})
RED_IN_VALID = frozenset({"FAIL", "UNKNOWN"})
"""Verdicts of a check that has seen something. What does not hold of a run makes it UNKNOWN."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A run with a fault, or with none: then nothing is expected to be red."""

    name: str
    expected: frozenset[str]
    checks: Checks
    red: frozenset[str] = RED

    @property
    def caught(self) -> frozenset[str]:
        """The checks that had to turn red and did."""
        return frozenset(name for name in self.expected if self.verdict(name) in self.red)

    @property
    def missed(self) -> frozenset[str]:
        """The checks that had to turn red and did not."""
        return self.expected - self.caught

    def verdict(self, check: str) -> str:
        """UNKNOWN where the audit did not come to it."""
        return str(self.checks.get(check, {}).get("verdict", "UNKNOWN"))

    def mark(self, check: str) -> str:
        """One character of the table."""
        verdict = self.verdict(check)
        if check in self.expected:
            return EXPECTED if verdict in self.red else MISSED
        if verdict in self.red:
            return BESIDES
        return {"PASS": GREEN, "NOT_ASKED": NOTHING}.get(verdict, UNDECIDED)

    def in_words(self) -> str:
        """One line: what the checks say that matter here."""
        odd = [name for name in self.checks if self.mark(name) not in (GREEN, NOTHING)]
        told = [
            f"{name} {self.verdict(name)}: {self.checks.get(name, {}).get('detail', 'missing')}"
            for name in sorted(self.expected or odd)
        ]
        return "; ".join(told) or self._in_numbers()

    def _in_numbers(self) -> str:
        nothing = sum(self.mark(name) == NOTHING for name in self.checks)
        if not nothing:
            return f"all {len(self.checks)} checks pass"
        return f"{len(self.checks) - nothing} checks pass, {nothing} had nothing to check"


def checks_of(part: str, verdict: Mapping[str, Any]) -> Checks:
    """The checks of a part (correct, fast, valid) in a verdict.json."""
    return {check["name"]: check for check in verdict[part]["checks"]}


def not_clean(checks: Checks) -> list[str]:
    """What is wrong with a run without a fault: each check must have had something to look at, and pass."""
    return [
        f"without a fault {name} is {check['verdict']}, not PASS: {check['detail']}"
        for name, check in checks.items()
        if check["verdict"] != "PASS" or not check.get("examined")
    ]


def not_valid(checks: Checks) -> list[str]:
    """What is wrong with a run that nothing disturbs: each check that was asked must hold."""
    return [
        f"without a fault {name} is {check['verdict']}, not PASS: {check['detail']}"
        for name, check in checks.items()
        if check["verdict"] not in ("PASS", "NOT_ASKED")
    ]


def complaints(trials: Iterable[Trial]) -> list[str]:
    """Faults that went unseen by the check that had to see them."""
    return [
        f"{trial.name}: {name} must be red, but is {trial.verdict(name)}"
        for trial in trials
        for name in sorted(trial.missed)
    ]


def unproven(checks: Checks, trials: Iterable[Trial]) -> list[str]:
    """Checks that no fault has turned red as it had to: perhaps nothing can."""
    caught: set[str] = set().union(*(trial.caught for trial in trials))
    return [f"no fault turned {name} red" for name in checks if name not in caught]


def table(clean: Trial, trials: Sequence[Trial]) -> str:
    """A line for each run, a column for each check of the clean one, whose names go down like stairs."""
    width = max(len(trial.name) for trial in (clean, *trials)) + 2
    stairs = [" " * width + "│ " * step + name for step, name in enumerate(clean.checks)]
    rows = [
        trial.name.ljust(width) + " ".join(trial.mark(check) for check in clean.checks)
        for trial in (clean, *trials)
    ]
    return "\n".join([*stairs, *rows, "", LEGEND])
