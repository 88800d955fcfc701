"""The schemas in docs/schemas/, held against what real runs have left, by an independent validator."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "schemas"
FILES = {name: FOLDER / f"{Path(name).stem}.schema.json" for name in ("run.json", "verdict.json")}


def assert_valid(folder: Path) -> None:
    """The files of a run are as the documentation says."""
    for name, schema in FILES.items():
        validator = Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
        content = json.loads((folder / name).read_text(encoding="utf-8"))
        mistakes = [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(content)]
        assert not mistakes, f"{name} is not as {schema.name} says: {mistakes[:5]}"
