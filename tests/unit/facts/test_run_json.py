"""`run.json`, written and read again; what cannot be read is one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from stampede.facts.run_json import LONGEST_RUN, SCHEMA, FactsError, read, write
from tests import runs


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    facts = runs.run()
    write(tmp_path, "run.json", facts)
    assert read(tmp_path) == facts
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_half_of_a_surrogate_does_not_cost_the_run(tmp_path: Path) -> None:
    """A path that is not UTF-8 has some, as Python tells it."""
    write(tmp_path, "run.json", runs.run(locustfile="caf\udce9.py"))
    assert read(tmp_path).locustfile == "caf?.py"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "{folder} is no folder of a run: run.json: No such file or directory"),
        ("{", "{file} cannot be read: Input data was truncated"),
        ("[]", "{file} cannot be read: Expected `object`, got `array`"),
        ("{}", f"{{file}} names no schema, and this version of Stampede reads schema {SCHEMA}"),
        ('{"schema": 1}', f"{{file}} has schema 1, and this version of Stampede reads schema {SCHEMA}"),
        (f'{{"schema": {SCHEMA}}}', "{file} cannot be read: Object missing required field `id`"),
        ("\udcff", "{file} cannot be read: "),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, content: str | None, complaint: str) -> None:
    file = tmp_path / "run.json"
    if content is not None:
        file.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(FactsError) as refused:
        read(tmp_path)
    expected = complaint.format(folder=tmp_path, file=file)
    assert str(refused.value).startswith(expected)
    assert "\n" not in str(refused.value)


def test_no_more_is_read_than_is_known(tmp_path: Path) -> None:
    """A field that a later version of the same schema adds is passed over."""
    write(tmp_path, "run.json", runs.run())
    file = tmp_path / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "mood": "good"}))
    assert read(tmp_path) == runs.run()


@pytest.mark.parametrize("second", [-1, 0, runs.START + LONGEST_RUN, 2**63 - 1])
def test_times_that_are_no_run_are_refused(tmp_path: Path, second: int) -> None:
    """Charts have a place for each second from the first to the last."""
    facts = runs.run()
    rows = [*facts.seconds[:-1], replace(facts.seconds[-1], second=second)]
    write(tmp_path, "run.json", replace(facts, seconds=rows))
    with pytest.raises(FactsError, match=r"its times are from .* which is no run"):
        read(tmp_path)
