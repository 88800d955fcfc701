"""What `make prove` concludes from its runs, and that its faults are real ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from stampede.verdict.valid import valid
from tests.facts import facts
from tests.prove import disturbances
from tests.prove.faults import Fault, FaultError, choose, read
from tests.prove.proof import (
    RED_IN_VALID,
    Trial,
    checks_of,
    complaints,
    not_clean,
    not_valid,
    table,
    unproven,
)

FAULTS = choose([])
VALID = {
    *("messages_read", "figures_agree"),
    *("all_requests_counted", "all_responses_reported", "rate_reached", "users_kept", "workers_on_time"),
    *("workers_had_cpu", "workers_got_cores", "workers_not_throttled", "master_kept_up", "clocks_agree"),
}
"""The checks of VALID that a disturbance must turn red. The others say what the end of a run was like."""

SHOWN_ELSEWHERE = {
    "came_to_its_end": "tests/cluster/test_interrupted.py",
    "workers_reported": "tests/unit/verdict/test_valid.py",
    "contention": "tests/unit/verdict/test_valid.py",
}
"""Checks of what the end of a run was like, which no disturbance of a run that ends well can turn red."""

MOST_CHANGES = 12
"""Lines that a fault adds or takes away: it is a mistake, no rewriting."""


def check(name: str, verdict: str = "PASS", examined: int = 3) -> dict[str, Any]:
    return {"name": name, "verdict": verdict, "examined": examined, "detail": "what it says"}


def checks(**verdicts: str) -> dict[str, Any]:
    return {name: check(name, verdict) for name, verdict in verdicts.items()}


def trial(name: str, expected: str, **verdicts: str) -> Trial:
    return Trial(name, frozenset(expected.split()), checks(**verdicts))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_the_shop_as_it_is_now_with_a_mistake(fault: Fault) -> None:
    """A few lines of a function, or a setting."""
    planted = fault.sql()
    patches = [file for file in fault.files if file.suffix == ".patch"]
    for patch in patches:
        changes = re.findall(r"^[+-](?![+-]{2} )", patch.read_text(), re.MULTILINE)
        assert 0 < len(changes) <= MOST_CHANGES
        assert "CREATE OR REPLACE FUNCTION " in planted
    if not patches:
        assert re.search(r"^ALTER ", planted, re.MULTILINE)


def test_a_fault_that_does_not_fit_any_more_is_refused(tmp_path: Path) -> None:
    """The function has changed since: it would plant what the shop did then."""
    (file,) = choose(["key_ignored"])[0].files
    stale = tmp_path / file.name
    stale.write_text(file.read_text().replace("ON CONFLICT", "ON COLLISION"))
    with pytest.raises(
        FaultError, match=r"key_ignored\.patch does not apply to the current functions: error"
    ):
        read(tmp_path, "key_ignored").sql()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "broken.sql",
            "-- It is\n-- broken.\n-- caught by: a, b\n-- then: kill postgres\nSELECT 1; -- caught by: c\n",
        ),
        ("broken.patch", "It is\nbroken.\ncaught by: a, b\nthen: kill postgres\n\n--- a/x\n+++ b/x\n"),
    ],
)
def test_a_fault_says_what_it_is(tmp_path: Path, name: str, content: str) -> None:
    """A sentence, over as many lines as it needs; what must catch it; what else happens."""
    (tmp_path / name).write_text(content)
    fault = read(tmp_path, "broken")
    assert (fault.name, fault.mistake, sorted(fault.caught_by)) == ("broken", "It is broken.", ["a", "b"])
    assert fault.kills_postgres


@pytest.mark.parametrize(
    "head",
    [
        "-- It is broken.",  # and nothing is said to catch it
        "-- It is broken.\n-- caught by: ",
        "-- caught by: a",  # but what is it?
        "-- It is broken.\n-- caught by: a\n-- then: unplug it",  # nobody knows how
    ],
)
def test_a_fault_that_does_not_is_refused(tmp_path: Path, head: str) -> None:
    """It would never be missed."""
    (tmp_path / "broken.sql").write_text(head + "\nSELECT 1;\n")
    with pytest.raises(FaultError, match=r"broken\.sql must begin with"):
        read(tmp_path, "broken")


def test_faults_are_chosen_by_name() -> None:
    """All of them where none is named; a name that is none is refused, and those there are are named."""
    assert [fault.name for fault in choose(["key_ignored"])] == ["key_ignored"]
    with pytest.raises(FaultError, match=r"no fault 'nonsense': use one of .*key_ignored"):
        choose(["key_ignored", "nonsense"])


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        ([check("a"), check("b")], []),
        ([check("a"), check("b", "FAIL")], ["b"]),
        ([check("a"), check("b", "UNKNOWN")], ["b"]),
        ([check("a"), check("b", "NOT_ASKED", 0)], ["b"]),
        ([check("b", examined=0)], ["b"]),  # a silent pass
        ([{"name": "b", "verdict": "UNKNOWN", "detail": "the audit failed"}], ["b"]),
    ],
)
def test_a_clean_run_is_all_green(found: list[dict[str, Any]], wrong: list[str]) -> None:
    """A check that had nothing to look at has shown nothing."""
    assert [
        line.split()[3] for line in not_clean(checks_of("correct", {"correct": {"checks": found}}))
    ] == wrong


@pytest.mark.parametrize(
    ("found", "missed"),
    [
        (trial("f", "a", a="FAIL", b="PASS"), []),
        (trial("f", "a", a="FAIL", b="FAIL"), []),  # what turns red besides is no mistake
        (trial("f", "a", a="PASS", b="FAIL"), ["f: a must be red, but is PASS"]),
        (trial("f", "a b", a="FAIL", b="UNKNOWN"), ["f: b must be red, but is UNKNOWN"]),
        (trial("f", "a", audit="UNKNOWN"), ["f: a must be red, but is UNKNOWN"]),  # it crashed
    ],
)
def test_a_fault_must_be_caught_by_its_check(found: Trial, missed: list[str]) -> None:
    """By each that it names, whatever else turns red."""
    assert complaints([found]) == missed


def test_what_does_not_hold_of_a_run_is_seen_where_it_is_unknown() -> None:
    """In VALID it is; in CORRECT that is what could not be decided."""
    found = Trial("f", frozenset({"a"}), checks(a="UNKNOWN", b="UNKNOWN", c="NOT_ASKED"), RED_IN_VALID)
    assert (complaints([found]), [found.mark(name) for name in "abc"]) == ([], ["✗", "x", "-"])


@pytest.mark.parametrize(("verdict", "wrong"), [("PASS", 0), ("NOT_ASKED", 0), ("UNKNOWN", 1), ("FAIL", 1)])
def test_a_run_that_nothing_disturbs_holds(verdict: str, wrong: int) -> None:
    """In every check that was asked."""
    assert len(not_valid(checks(a="PASS", b=verdict))) == wrong


def test_every_check_of_valid_is_documented_and_seen_to_fail() -> None:
    """By a disturbance, or where its failing is shown otherwise."""
    names = {check.name for check in valid(facts())}
    table = Path("docs/valid.md").read_text().split("| check | holds if |")[1].split("\n\n")[0]
    documented = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert set(documented) == names == VALID | SHOWN_ELSEWHERE.keys()
    assert all(Path(file).exists() for file in SHOWN_ELSEWHERE.values())


def test_every_disturbance_says_which_check_must_see_it() -> None:
    """One that there is."""
    checks = {each.caught_by for each in disturbances.read().values()}
    assert checks == {frozenset({name}) for name in VALID}


def test_a_disturbance_is_a_class_that_says_what_it_is_caught_by(tmp_path: Path) -> None:
    """A sentence, over as many lines as it needs; others are none."""
    file = tmp_path / "users.py"
    file.write_text(
        'class Calm:\n    """All is well."""\n\n'
        'class Broken(Calm):\n    """It is\n    broken.\n\n    Caught by: a, b.\n    """\n'
    )
    (found,) = disturbances.read(file).values()
    assert (found.name, found.mistake, sorted(found.caught_by)) == ("Broken", "It is broken.", ["a", "b"])


def test_every_check_must_be_turned_red_as_it_had_to_be() -> None:
    """One that only turned red besides was not the one to see that fault."""
    trials = [trial("f", "a", a="FAIL", b="FAIL", c="PASS"), trial("g", "c", a="PASS", b="PASS", c="UNKNOWN")]
    assert unproven(checks(a="PASS", b="PASS", c="PASS"), trials) == [
        "no fault turned b red",
        "no fault turned c red",
    ]


def test_the_table_shows_each_fault_and_check() -> None:
    """A column for each check, under the end of its stair."""
    clean = trial("(no fault)", "", a="PASS", bb="PASS", ccc="NOT_ASKED")
    trials = [trial("f", "a bb", a="FAIL", bb="PASS", ccc="FAIL"), trial("g", "a", a="FAIL", ccc="UNKNOWN")]
    assert table(clean, trials).splitlines()[:-2] == [
        "            a",
        "            │ bb",
        "            │ │ ccc",
        "(no fault)  · · -",
        "f           ✗ ! x",
        "g           ✗ ? ?",
    ]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (trial("f", "a", a="FAIL", b="FAIL"), "a FAIL: what it says"),
        (trial("f", "a", audit="UNKNOWN"), "a UNKNOWN: missing"),
        (trial("clean", "", a="PASS", b="PASS"), "all 2 checks pass"),
        (trial("clean", "", a="PASS", b="NOT_ASKED"), "1 checks pass, 1 had nothing to check"),
        (trial("clean", "", a="PASS", b="UNKNOWN"), "b UNKNOWN: what it says"),
    ],
)
def test_a_trial_in_a_line(found: Trial, words: str) -> None:
    """What had to turn red, or where nothing had to, what is not green."""
    assert found.in_words() == words


def test_every_check_has_a_fault_that_it_catches() -> None:
    """Those that docs/audit.md lists; `make prove` asks the same of those that a run has."""
    listed = Path("docs/audit.md").read_text().split("## What is checked")[1].split("\n\n")[1]
    checks = set(re.findall(r"^\| `(\w+)` \|", listed, re.MULTILINE))
    assert len(checks) == 13
    assert checks == set().union(*(fault.caught_by for fault in choose([])))
