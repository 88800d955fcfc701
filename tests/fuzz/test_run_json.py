"""A run.json is read or refused, whatever is in it; of one that is read, a report is made or refused."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from stampede.report import compare, files
from tests import runs
from tests.fuzz.cases import case, length
from tests.fuzz.inputs import mutated

RIGHT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(runs.run()))


def checked(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder)
        (run / "run.json").write_bytes(content)
        with case("run.json"):
            made = files.main(run)
            compared = compare.main(str(run), str(run), html=run / "comparison.html")
        assert made in (0, 2)
        assert compared in (0, 2)


@length()
@given(st.one_of(st.binary(max_size=100), st.binary(max_size=100).map(lambda rest: b'{"schema": 4' + rest)))
def test_any_bytes_are_refused(content: bytes) -> None:
    checked(content)


@length()
@given(st.data())
def test_a_file_cut_off_is_refused(data: st.DataObject) -> None:
    whole = msgspec.json.encode(RIGHT)
    checked(whole[: data.draw(st.integers(0, len(whole)))])


@length(slowness=4)
@given(st.data())
def test_of_what_is_almost_right_a_report_is_made_or_none(data: st.DataObject) -> None:
    checked(msgspec.json.encode(data.draw(mutated(RIGHT))))
