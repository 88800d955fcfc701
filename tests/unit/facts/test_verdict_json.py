"""One order of verdicts, for checks, for parts and for runs."""

from __future__ import annotations

import pytest

from stampede.facts.verdict_json import Check, Part, Verdict, worst


@pytest.mark.parametrize(
    ("verdicts", "together"),
    [
        ("PASS NOT_ASKED UNKNOWN FAIL", "FAIL"),
        ("PASS UNKNOWN NOT_ASKED", "UNKNOWN"),
        ("NOT_ASKED PASS", "PASS"),
        ("NOT_ASKED NOT_ASKED", "NOT_ASKED"),
        ("", "NOT_ASKED"),
    ],
)
def test_the_worst_of_several_counts(verdicts: str, together: str) -> None:
    each = [Verdict(verdict) for verdict in verdicts.split()]
    assert worst(each) == together
    assert Part.of([Check(name="c", verdict=verdict) for verdict in each]).verdict == together


def test_the_worst_offender_is_not_shown_twice() -> None:
    one, other = {"what": "a"}, {"what": "b"}
    check = Check(name="c", verdict=Verdict.FAIL, first=one, worst=other)
    assert check.offenders == {"first": one, "worst": other}
    assert Check(name="c", verdict=Verdict.FAIL, first=one, worst={**one}).offenders == {"first": one}
    assert Check(name="c", verdict=Verdict.PASS).offenders == {}
