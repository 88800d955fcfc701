"""The audit as the master sees it: real processes that keep to the protocol, and that do not."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from stampede.facts.event import Event
from stampede.facts.run_json import Audit
from stampede.facts.samples import DatabaseSample, Statement
from stampede.facts.verdict_json import Check, Verdict
from stampede.run import audit_process
from stampede.run.audit_process import AuditProcess, audit_command

JUDGES = """
import json, os, sys
print(json.dumps({"event": "oversold", "product_id": 7}), flush=True)
sys.stdin.read()
check = {"name": os.environ["STAMPEDE_RUN_ID"], "verdict": "PASS", "detail": sys.argv[1]}
print(json.dumps({"checks": [check]}))
"""


@pytest.fixture
def events() -> list[Event]:
    """Those of the run."""
    return []


def audit(folder: Path, script: str, events: list[Event]) -> AuditProcess:
    return AuditProcess([sys.executable, "-c", script], folder, {"STAMPEDE_RUN_ID": "run-1"}, events)


def why(answer: Audit) -> str:
    """It has no answer."""
    assert answer.checks == []
    assert answer.error is not None
    return answer.error


def test_the_last_line_is_the_judgement(tmp_path: Path, events: list[Event]) -> None:
    """It knows the run's folder and name, learns from the end of its input that all is there, and judges."""
    begun = time.time()
    answer = audit(tmp_path, JUDGES, events).conclude()
    assert answer == Audit(checks=[Check(name="run-1", verdict=Verdict.PASS, detail=str(tmp_path))])
    (event,) = events
    assert event == Event(name="oversold", at=event.at, is_alarm=True, facts={"product_id": 7})
    assert begun <= event.at <= time.time(), "by the master's clock"


def test_what_happened_before_stays(tmp_path: Path) -> None:
    """The run has one list of events: what the audit reports is added."""
    before = Event(name="worker_joined", at=5.0)
    events = [before]
    audit(tmp_path, JUDGES, events).conclude()
    assert [event.name for event in events] == ["worker_joined", "oversold"]


def test_samples_are_no_events(tmp_path: Path, events: list[Event]) -> None:
    """How the database was, row by row, and which statements were slow."""
    script = """
import json, sys
for line in ({"sample": {"second": 17, "commits": 5}}, {"statements": [{"statement": "buy"}]}):
    print(json.dumps(line))
"""
    process = audit(tmp_path, script + JUDGES, events)
    assert process.conclude().checks
    assert process.samples.all == [DatabaseSample(second=17, commits=5)]
    assert process.statements == [Statement(statement="buy")]
    assert [event.name for event in events] == ["oversold"]


@pytest.mark.parametrize(
    "sample",
    [
        '{"second": "17"}',
        '{"second": 17.5}',
        '{"cpu_percent": 5}',
        '{"second": 17, "cpu_percent": "5"}',
        '{"second": 17, "cpu_percent": ""}',
        '{"second": 17, "cpu_percent": {"user": 5}}',
        '{"second": 17, "cpu_percent": NaN}',
        '{"second": 17, "connections": 5}',
        '{"second": 17, "connections": {"active": null}}',
        "[17]",
    ],
)
def test_a_sample_that_cannot_be_drawn_is_none(tmp_path: Path, events: list[Event], sample: str) -> None:
    """Whoever looked at the run would see nothing at all any more. The audit says what it printed."""
    process = audit(tmp_path, f"""print('{{"sample": {sample}}}')""", events)
    assert "is not a message of the audit protocol" in why(process.conclude())
    assert process.samples.all == []


def test_a_sample_need_not_know_everything(tmp_path: Path, events: list[Event]) -> None:
    """Null is no figure, and no mistake."""
    known = '{"second": 17, "cpu_percent": null, "waits": null, "connections": {"active": 3}, "size_mb": 7.5}'
    process = audit(tmp_path, f"""print('{{"sample": {known}}}')""", events)
    process.conclude()
    assert process.samples.all == [DatabaseSample(second=17, connections={"active": 3}, size_mb=7.5)]


@pytest.mark.parametrize("line", ['{"event": 7}', '{"product_id": 7}', '{"statements": ["buy"]}', "7"])
def test_an_event_has_a_name_and_a_statement_is_an_object(
    tmp_path: Path, events: list[Event], line: str
) -> None:
    """They are shown as such: what is none is not taken."""
    process = audit(tmp_path, f"print('{line}')", events)
    assert "is not a message of the audit protocol" in why(process.conclude())
    assert (events, process.statements) == ([], [])


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; sys.stdin.read(); sys.exit('no database')", "the audit failed: no database"),
        ("pass", "the audit failed: it printed nothing"),
        (
            "print('hello')",
            "the audit failed: it printed 'hello', which is not a message of the audit protocol",
        ),
        # a judgement that is none
        (JUDGES.replace("PASS", "MAYBE"), "which is not a message of the audit protocol"),
        # judged, and then crashed
        (JUDGES + "sys.exit('too late')", "the audit failed: too late"),
    ],
)
def test_what_does_not_keep_to_the_protocol_is_named(
    tmp_path: Path, events: list[Event], script: str, words: str
) -> None:
    """Never a pass: the reason is one line."""
    assert words in why(audit(tmp_path, script, events).conclude())


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    """When the run ends, not with a traceback when it starts."""
    answer = AuditProcess(["/no/such/audit"], tmp_path, {}, []).conclude()
    assert why(answer) == "the audit cannot be started: /no/such/audit: No such file or directory"


def test_an_audit_that_does_not_end_is_ended(
    tmp_path: Path, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run comes to its end whatever its audit does."""
    monkeypatch.setattr(audit_process, "TIMEOUT", 0.2)
    answer = audit(tmp_path, "import time; time.sleep(600)", events).conclude()
    assert "did not end within" in why(answer)


def test_ours_audits_the_api_whose_database_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another API's data is not in it; whoever registers an audit is asked always."""
    assert audit_command("http://api:8000", "http://api:8000")[-2:] == ("stampede", "audit")
    assert audit_command("http://staging", "http://api:8000") == ()
    assert audit_command(None, None) == ()
    monkeypatch.setattr(audit_process, "_registered", ("mine",))
    assert audit_command("http://staging", "http://api:8000") == ("mine",)
