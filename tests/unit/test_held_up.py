"""A run is made once more where the machine alone was to blame, and where nothing was lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from stampede.facts.run_json import write
from stampede.facts.verdict_json import Judgement
from tests.facts import make
from tests.held_up import by_the_machine

LATE = {"name": "workers_on_time", "verdict": "UNKNOWN", "detail": "event loop lag p99 9 ms"}
COUNTED = {"name": "all_requests_counted", "verdict": "PASS", "detail": "9 of 9"}
LOST = {**COUNTED, "verdict": "FAIL"}
NOT_REPORTED = {"name": "workers_reported", "verdict": "UNKNOWN", "detail": "lost 1-a1b2c3"}


@pytest.mark.parametrize(
    ("correct", "checks", "words"),
    [
        ("PASS", [LATE, COUNTED], "workers_on_time: event loop lag p99 9 ms"),
        ("NOT_ASKED", [LATE, COUNTED], "workers_on_time: event loop lag p99 9 ms"),  # an API of one's own
        ("PASS", [COUNTED], ""),  # it is VALID
        ("PASS", [LATE, LOST], ""),
        ("PASS", [LATE, NOT_REPORTED], ""),
        ("FAIL", [LATE, COUNTED], ""),
        ("UNKNOWN", [LATE, COUNTED], ""),
    ],
)
def test_what_is_lost_is_never_put_down_to_the_machine(
    tmp_path: Path, correct: str, checks: list[dict[str, str]], words: str
) -> None:
    write(tmp_path, "verdict.json", make(Judgement, correct={"verdict": correct}, valid={"checks": checks}))
    assert by_the_machine(tmp_path) == words


def test_a_run_that_left_nothing_was_not_held_up(tmp_path: Path) -> None:
    assert by_the_machine(tmp_path / "latest") == ""
