"""What earlier runs have left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stampede.facts import run_json
from stampede.run.results import conclude_interrupted
from tests import runs


@pytest.mark.parametrize(
    "content", ["[]", "null", "{}", '{"errors": 1', '{"schema": 4, "window": 3}', '{"schema": 2}']
)
def test_what_is_no_run_keeps_no_other_from_its_verdict(tmp_path: Path, content: str) -> None:
    """Nor the master from beginning: somebody may have put it there, or an earlier release."""
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(content)
    run_json.write(tmp_path / "b", "run.json", runs.run())
    conclude_interrupted(tmp_path)
    assert json.loads((tmp_path / "b" / "verdict.json").read_text())["exit_code"] == 12
    assert run_json.read(tmp_path / "b").interrupted
    for name in ("a", "c"):
        assert not (tmp_path / name / "verdict.json").exists()
        assert (tmp_path / name / "run.json").read_text() == content
