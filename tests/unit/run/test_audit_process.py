"""The audit as the master sees it: real processes that keep to the protocol, and that do not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from stampede.run import audit_process
from stampede.run.audit_process import AuditProcess, audit_command

JUDGES = """
import json, os, sys
print(json.dumps({"event": "oversold", "product_id": 7}), flush=True)
sys.stdin.read()
check = {"name": os.environ["STAMPEDE_RUN_ID"], "verdict": "PASS", "detail": sys.argv[1]}
print(json.dumps({"checks": [check]}))
"""


def audit(folder: Path, script: str) -> AuditProcess:
    return AuditProcess([sys.executable, "-c", script], folder, {"STAMPEDE_RUN_ID": "run-1"})


def test_the_last_line_is_the_judgement(tmp_path: Path) -> None:
    """It knows the run's folder and name, learns from the end of its input that all is there, and judges."""
    process = audit(tmp_path, JUDGES)
    answer = process.conclude()
    (check,) = answer["checks"]
    assert (check["name"], check["verdict"], check["detail"]) == ("run-1", "PASS", str(tmp_path))
    assert (check["count"], check["first"]) == (0, None)
    (event,) = process.events
    assert (event["name"], event["product_id"]) == ("oversold", 7)


def test_samples_are_no_events(tmp_path: Path) -> None:
    """How the database was, row by row, and which statements were slow."""
    script = """
import json, sys
for line in ({"sample": {"second": 17, "commits": 5}}, {"statements": [{"statement": "buy"}]}):
    print(json.dumps(line))
"""
    process = audit(tmp_path, script + JUDGES)
    assert process.conclude()["checks"]
    assert process.samples == [{"second": 17, "commits": 5}]
    assert process.statements == [{"statement": "buy"}]
    assert [event["name"] for event in process.events] == ["oversold"]


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
def test_a_sample_that_cannot_be_drawn_is_none(tmp_path: Path, sample: str) -> None:
    """Whoever looked at the run would see nothing at all any more. The audit says what it printed."""
    process = audit(tmp_path, f"""print('{{"sample": {sample}}}')""")
    assert "is not of its protocol" in process.conclude()["error"]
    assert process.samples == []


def test_a_sample_need_not_know_everything(tmp_path: Path) -> None:
    """Null is no figure, and no mistake."""
    known = '{"second": 17, "cpu_percent": null, "waits": null, "connections": {"active": 3}, "size_mb": 7.5}'
    process = audit(tmp_path, f"""print('{{"sample": {known}}}')""")
    process.conclude()
    assert process.samples == [json.loads(known)]


def test_an_event_has_a_name_and_a_statement_is_an_object(tmp_path: Path) -> None:
    """Whatever was printed: they are shown as such."""
    process = audit(tmp_path, """print('{"event": 7}'); print('{"statements": ["buy"]}')""")
    assert "is not of its protocol" in process.conclude()["error"]
    assert [event["name"] for event in process.events] == ["7"]
    assert process.statements == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; sys.stdin.read(); sys.exit('no database')", "the audit failed: no database"),
        ("pass", "the audit failed: it said nothing"),
        ("print('hello')", "the audit failed: it printed 'hello', which is not of its protocol"),
        # a judgement that is none
        (JUDGES.replace("PASS", "MAYBE"), "which is not of its protocol"),
        # judged, and then crashed
        (JUDGES + "sys.exit('too late')", "the audit failed: too late"),
    ],
)
def test_what_does_not_keep_to_the_protocol_is_named(tmp_path: Path, script: str, words: str) -> None:
    """Never a pass: the reason is one line."""
    assert words in audit(tmp_path, script).conclude()["error"]


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    """When the run ends, not with a traceback when it starts."""
    answer = AuditProcess(["/no/such/audit"], tmp_path, {}).conclude()
    assert answer == {"error": "the audit cannot be started: /no/such/audit: No such file or directory"}


def test_an_audit_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run comes to its end whatever its audit does."""
    monkeypatch.setattr(audit_process, "PATIENCE", 0.2)
    answer = audit(tmp_path, "import time; time.sleep(600)").conclude()
    assert "did not come to its end" in answer["error"]


def test_ours_audits_the_api_whose_database_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another API's data is not in it; whoever registers an audit is asked always."""
    assert audit_command("http://api:8000", "http://api:8000")[-2:] == ("stampede", "audit")
    assert audit_command("http://staging", "http://api:8000") == ()
    assert audit_command(None, None) == ()
    monkeypatch.setattr(audit_process, "_registered", ("mine",))
    assert audit_command("http://staging", "http://api:8000") == ("mine",)
