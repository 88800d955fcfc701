"""The JSON Schemas of what a run leaves behind: as the documentation has them, and able to find a mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from stampede.facts import schema
from stampede.facts.run_json import write
from stampede.report import files
from tests import runs, schemas


@pytest.mark.parametrize("name", schemas.FILES)
def test_the_documentation_has_them_as_they_are(name: str) -> None:
    """`python -m stampede schema run.json > docs/schemas/run.schema.json` brings it up to date."""
    documented = schemas.FILES[name].read_text(encoding="utf-8")
    assert documented == schema.text(name) + "\n"
    Draft202012Validator.check_schema(json.loads(documented))


def test_a_run_is_as_they_say(tmp_path: Path) -> None:
    """tests/cluster asks the same of real runs."""
    write(tmp_path, "run.json", runs.run())
    files.judge(tmp_path)
    schemas.assert_valid(tmp_path)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("run.json", {"users": "20"}),
        ("run.json", {"window": {}}),
        ("run.json", {"phase": "asleep"}),
        ("run.json", {"schema": 2}),
        ("run.json", {"seconds": [{"second": 1.5}]}),
        ("verdict.json", {"verdict": "MAYBE"}),
        ("verdict.json", {"correct": None}),
    ],
)
def test_a_mistake_is_found(tmp_path: Path, name: str, change: dict[str, Any]) -> None:
    write(tmp_path, "run.json", runs.run())
    files.judge(tmp_path)
    content = json.loads((tmp_path / name).read_text())
    (tmp_path / name).write_text(json.dumps({**content, **change}))
    with pytest.raises(AssertionError, match=f"{name} is not as "):
        schemas.assert_valid(tmp_path)
