"""The OpenAPI document is true: what schemathesis makes of it meets no server error and no surprise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.long
def test_schemathesis_finds_nothing_over_a_thousand_cases(api: Api, tmp_path: Path) -> None:
    """No server error, no undocumented answer, no wrong input that is accepted."""
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", f"{api.url}/openapi.json"]
    command += ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "25"]
    command += ["--seed", "1", "--workers", "1", "--suppress-health-check", "all", "--no-color"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        cwd=tmp_path,
        env=os.environ | {"CI": "1"},
    )
    assert done.returncode == 0, done.stdout[-6000:]
    generated = re.search(r"Test cases:\n\s+([\d,]+) generated", done.stdout)
    assert generated, done.stdout[-3000:]
    assert int(generated[1].replace(",", "")) >= LEAST_CASES, done.stdout[-3000:]
