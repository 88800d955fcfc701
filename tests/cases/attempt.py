"""Runs the locustfile of a case on a cluster of its own, and collects what came of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests import schemas
from tests.cases.server import Api
from tests.checkout import Checkout

INPUTS = Path(__file__).parent / "inputs"

USUAL = {"USERS": "8", "SPAWN_RATE": "8", "RUN_TIME": "10s", "WORKERS": "2", "RUNTIME": "local"}

TIMEOUT = 180.0
"""Seconds for one command."""


@dataclass(frozen=True)
class Outcome:
    """What `make headless` printed and left behind."""

    code: int
    output: str
    served: Counter[str]
    run: dict[str, Any]
    """The content of run.json; empty where the command refused to run."""
    verdict: dict[str, Any]
    """The content of verdict.json."""

    def check(self, part: str, name: str) -> dict[str, Any]:
        """The check of CORRECT, FAST or VALID that has this name."""
        checks: list[dict[str, Any]] = self.verdict[part]["checks"]
        return next(check for check in checks if check["name"] == name)

    @property
    def events(self) -> list[str]:
        """The names of the run's events, in the order of their times."""
        return [event["name"] for event in self.run["events"]]

    @property
    def most_users(self) -> int:
        return max(int(second["users"]) for second in self.run["seconds"])

    def counts_agree(self) -> bool:
        """Whether the API has served as many requests as were counted.

        A request that was cut off, or got no answer for another reason, may have reached the API or not.
        """
        unanswered = sum(statuses.get("0", 0) for statuses in self.run["outcomes"].values())
        return bool(self.run["requests"] - unanswered <= self.served["*"] <= self.run["requests"])

    def in_words(self) -> str:
        """What `make cases` shows of it."""
        if not self.run:
            return f"exit {self.code}: {self.output.strip().splitlines()[-1]}"
        verdicts = " ".join(self.verdict[part]["verdict"] for part in ("correct", "fast", "valid"))
        return f"exit {self.code}: {verdicts}; {self.run['failures']} of {self.run['requests']} failed"


def run(
    checkout: Checkout,
    locustfile: str,
    api: Api | None,
    variables: Mapping[str, str] = MappingProxyType({}),
    edits: Mapping[str, str] = MappingProxyType({}),
    folder: str = "",
    **settings: str,
) -> Outcome:
    """`stampede headless` with the usual settings, changed by `settings`; those that are empty are left out.

    `locustfile` is a path in the inputs. It is run from a folder outside the checkout, like that of another
    team; its path ends with `folder`. `edits` replaces texts in it. `variables` are added to the shell's.
    """
    with tempfile.TemporaryDirectory(prefix="stampede-case-") as temporary:
        source = INPUTS / locustfile
        copied = Path(shutil.copytree(source.parent, Path(temporary) / "users" / folder)) / source.name
        for before, after in edits.items():
            assert before in copied.read_text()
            copied.write_text(copied.read_text().replace(before, after))
        given = {"LOCUSTFILE": str(copied), "HOST": api.url if api else "", **USUAL, **settings}
        return _run(checkout, {name: value for name, value in given.items() if value}, api, variables)


def _run(
    checkout: Checkout, settings: Mapping[str, str], api: Api | None, variables: Mapping[str, str]
) -> Outcome:
    latest = checkout.folder / "results" / "latest"
    latest.unlink(missing_ok=True)
    checkout.used.add("local")
    done = subprocess.run(
        [".venv/bin/python", "-m", "stampede", "headless", *(f"{n}={v}" for n, v in settings.items())],
        cwd=checkout.folder,
        env={**os.environ, **checkout.environment, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
    )
    served = Counter(api.served) if api else Counter[str]()
    if not latest.exists():
        return Outcome(done.returncode, done.stdout, served, {}, {})
    schemas.assert_valid(latest)
    files = (json.loads((latest / name).read_text()) for name in ("run.json", "verdict.json"))
    return Outcome(done.returncode, done.stdout, served, *files)
