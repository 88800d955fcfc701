"""The OpenAPI document is true: what schemathesis makes of it meets no server error and no surprise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.integration.servers import Api

#: Those that hold for an API whose refusals are part of its contract. Left out is positive_data_acceptance: a
#: well-formed order of a product that does not exist is refused, as it should be.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
]
LEAST_CASES = 1000


def test_schemathesis_finds_nothing_over_a_thousand_cases(api: Api, tmp_path: Path) -> None:
    """No server error, no undocumented answer, no wrong input that is accepted."""
    report = tmp_path / "cases.ndjson"
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", f"{api.url}/openapi.json"]
    command += ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "25"]
    command += ["--seed", "1", "--workers", "2", "--suppress-health-check", "all", "--no-color"]
    command += ["--report", "ndjson", "--report-ndjson-path", str(report)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=200, cwd=tmp_path, env=os.environ | {"CI": "1"}
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert sum(1 for line in report.open() if "ScenarioFinished" in json.loads(line)) >= 1
    assert cases_in(report) >= LEAST_CASES


def cases_in(report: Path) -> int:
    """Requests that were sent."""
    events = [json.loads(line) for line in report.open()]
    return sum(len(event["ScenarioFinished"]["recorder"]["cases"]) for event in events if "ScenarioFinished" in event)
