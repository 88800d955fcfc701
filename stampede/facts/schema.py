"""JSON Schemas of the files that a run leaves behind: ``python -m stampede schema``, docs/schemas/."""

from __future__ import annotations

from typing import Any

import msgspec

from stampede.facts.run_json import Facts
from stampede.facts.verdict_json import Judgement

FILES = {"run.json": Facts, "verdict.json": Judgement}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, Any]:
    """Return the schema of each file, by file name."""
    return {name: {"$schema": DIALECT, **msgspec.json.schema(kind)} for name, kind in FILES.items()}


def text(file: str | None = None) -> str:
    """Return the schema of one file, or of all files by file name, as indented JSON."""
    content = schemas()[file] if file else schemas()
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()
