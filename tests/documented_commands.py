"""The commands of docs/: how a test runs each of them, or why no test does.

tests/unit/test_documentation.py fails where a command of docs/ is in neither table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """How a test runs a command: with settings of its own appended, the last of which counts."""

    settings: str = ""
    """`{host}` is an API of the test."""
    exit_code: int = 0
    is_long: bool = False
    is_exact: bool = False
    """Whether it prints exactly what the page shows; else numbers may differ, and lines may be added."""


SHORT = "RUNTIME=local WORKERS=1 RUN_TIME=8s SPAWN_RATE=20"

EASY = f"{SHORT} USERS=20 TARGETS='p95 < 5s'"

RUN = {
    # headless.md
    "make headless PROFILE=heavy RUN_TIME=60s WORKERS=2": Way(EASY, is_long=True),
    "python3 -m stampede headless PROFILE=ci": Way(EASY, is_long=True),
    "make headless SCENARIO=LastItemRace USERS=200 RUN_TIME=60s": Way(EASY, is_long=True),
    # targets.md
    'make headless TARGETS="p95 < 300ms, errors < 1%"': Way(EASY, is_long=True),
    'python3 -m stampede targets "rps >= 500, POST p95 < 500ms for 10s, abort;'
    ' cpu of api < 90% (optional)"': Way(is_exact=True),
    'python3 -m stampede targets "p95 << 3"': Way(exit_code=2, is_exact=True),
    # report.md
    "make report": Way(),
    ".venv/bin/python -m stampede report results/20261130-152649-80df": Way(),
    "make compare A=20261130-152649-80df B=latest": Way(),
    "make compare A=20261130-152649-80df B=latest HTML=side_by_side.html FORCE=1": Way(),
    "make compare A=20261130-152649-80df B=latest FAIL_IF_WORSE=1": Way(),
    # own-api.md
    'make headless LOCUSTFILE=users.py HOST=http://localhost:9000 TARGETS="p95 < 300ms, errors < 1%"'
    " USERS=20 SPAWN_RATE=5 RUN_TIME=1m": Way(
        f"{SHORT} HOST={{host}} TARGETS='p95 < 5s, errors < 1%'", is_long=True
    ),
    "make up UI_BIND=0.0.0.0 UI_USER=ada UI_PASSWORD_FILE=secret.txt": Way(
        "RUNTIME=local WORKERS=1", is_long=True
    ),
    # audit.md
    "make headless LOCUSTFILE=docs/examples/tickets.py HOST=http://localhost:9000 USERS=20 RUN_TIME=30s": Way(
        f"{SHORT} HOST={{host}}", is_long=True
    ),
    # chaos.md
    "make chaos PLAN=mine.toml": Way("RUNTIME=local", is_long=True),
    # lossless.md
    ".venv/bin/python -m tests.lossless stop-headless": Way(is_long=True),
}
"""By command. It runs in a copy of the project, with ports of its own."""

IN_CI_LONG = ".ci/long runs it: it takes minutes"

NOT_RUN = {
    "docker compose exec master python -m stampede audit /results/20261122-184654-4e95": (
        "it needs containers; tests/chaos/cluster.py runs it, after the master was restarted"
    ),
    "docker compose up --scale worker=8": "tests/cluster/test_plain_compose.py runs it, with fewer workers",
    "docker compose down": "tests/cluster/test_plain_compose.py runs it",
    "make install && .venv/bin/python run_api.py": "tests/cluster/test_standalone.py runs the API",
    "make try LOCUSTFILE=users.py HOST=http://localhost:9000": (
        "tests/integration/test_trial.py runs it against a server with a failing route"
    ),
    "make install": "tests/cluster/test_fresh_machine.py runs it on a machine without .venv",
    "make chaos RUNTIME=local": "`make chaos PLAN=mine.toml` runs as processes, with a shorter plan",
    "make chaos": IN_CI_LONG,
    "make lossless": IN_CI_LONG,
    "make security REMOVED=1": IN_CI_LONG,
    "make prove": IN_CI_LONG,
    "make fuzz": IN_CI_LONG,
    "make soak RUN_TIME=30m": IN_CI_LONG,
}
"""By command: the reason."""
