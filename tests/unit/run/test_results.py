"""What earlier runs have left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stampede.run.results import conclude_interrupted
from tests import runs


@pytest.mark.parametrize("content", ["[]", "null", "{}", '{"errors": 1', '{"window": 3, "failures": null}'])
def test_what_is_no_run_keeps_no_other_from_its_verdict(tmp_path: Path, content: str) -> None:
    """Nor the master from beginning: somebody may have put it there, or an earlier release."""
    for name, text in (("a", content), ("b", json.dumps(runs.run())), ("c", content)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(text)
    conclude_interrupted(tmp_path)
    assert json.loads((tmp_path / "b" / "verdict.json").read_text())["exit_code"] == 12
    assert not (tmp_path / "a" / "verdict.json").exists()
