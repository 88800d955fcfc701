"""The OpenAPI document is true: requests made from it meet no server error, and answers are as documented."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.cases import CASES, tried
from tests.integration.databases import ADDS_UP, TOTALS_ARE_TRUE, TestDatabase, execute
from tests.integration.servers import Api

#: Those that hold for this API. Left out are positive_data_acceptance: a well-formed order of a product that
#: does not exist is refused; and ensure_resource_availability: a product may be deleted by its id before it
#: is looked up by its SKU.
CHECKS = [
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance", "negative_data_rejection"),
    *("unsupported_method", "use_after_free"),
]

EXAMPLES = max(2, CASES // 10)
"""Of each operation, and sequences of linked requests at most."""
SEEDS = range(2, max(2, CASES // 400))
"""Of further runs of the stateful phase. Each ends when it finds no new links from answers to requests."""
LEAST_CASES = int(2.5 * CASES) or 60
"""`make fuzz` sends at least 10,000."""

COVERED = re.compile(r"API Links:\s+([\d,]+) covered")
GENERATED = re.compile(r"Test cases:\n\s+([\d,]+) generated")


def test_what_the_document_allows_is_answered_as_it_documents(
    database: TestDatabase, start_api: Callable[..., Api], tmp_path: Path
) -> None:
    """And what it forbids is refused. No answer is a 5xx, and the shop's books are right at the end."""
    api = start_api(database.url())
    phases = "coverage,fuzzing,stateful" if CASES else "fuzzing,stateful"
    cases = requests_sent(schemathesis(api, tmp_path, phases, EXAMPLES, seed=1))
    cases += sum(requests_sent(schemathesis(api, tmp_path, "stateful", 100, seed)) for seed in SEEDS)
    assert cases >= LEAST_CASES
    assert database.query(ADDS_UP) == [(0,)]
    assert database.query(TOTALS_ARE_TRUE) == [(True,)]


@pytest.mark.long
def test_a_server_error_is_found(
    database: TestDatabase, start_api: Callable[..., Api], tmp_path: Path
) -> None:
    """Also one that only a linked request meets: of an order that is there."""
    execute(database.url("postgres"), "ALTER FUNCTION ship_order RENAME TO another")
    done = schemathesis(start_api(database.url()), tmp_path, "stateful", 100, seed=1)
    assert done.returncode == 1
    assert "Server error" in done.stdout


def requests_sent(done: subprocess.CompletedProcess[str]) -> int:
    """Return how many requests a run sent that found nothing; some of them followed links."""
    assert done.returncode == 0, done.stdout[-6000:]
    generated, covered = GENERATED.search(done.stdout), COVERED.search(done.stdout)
    assert generated, done.stdout[-3000:]
    assert covered, done.stdout[-3000:]
    sent = int(generated[1].replace(",", ""))
    tried["requests by OpenAPI"] += sent
    tried["links between them"] = max(tried["links between them"], int(covered[1]))
    return sent


def schemathesis(
    api: Api, folder: Path, phases: str, examples: int, seed: int
) -> subprocess.CompletedProcess[str]:
    """Send requests that schemathesis makes from the document."""
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", f"{api.url}/openapi.json"]
    command += ["--checks", ",".join(CHECKS), "--phases", phases, "--max-examples", str(examples)]
    command += ["--seed", str(seed), "--workers", "1", "--suppress-health-check", "all", "--no-color"]
    command += ["--continue-on-failure", "--warnings", "off", "--generation-database", "none"]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env=os.environ | {"CI": "1"}
    )
