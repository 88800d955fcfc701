"""The table of refusals."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pytest

from api.messages import FieldError
from api.problems import KINDS, Problem, accepted, invalid_input

SCHEMA = Path(__file__).parents[3] / "postgres" / "schema.sql"


def test_every_outcome_of_the_database_has_its_refusal() -> None:
    """The closed set of schema.sql, but for `done`."""
    found = re.search(r"CREATE TYPE outcome AS ENUM \((.*?)\);", SCHEMA.read_text(), re.DOTALL)
    assert found is not None
    outcomes = re.findall(r"'(\w+)'", found[1])
    assert outcomes[0] == "done"
    assert set(outcomes[1:]) <= set(KINDS)


@pytest.mark.parametrize("code", KINDS)
def test_a_refusal_is_problem_json(code: str) -> None:
    """With the members of RFC 9457 and the code, and the words put in."""
    words = {name: f"<{name}>" for _, name, _, _ in string.Formatter().parse(KINDS[code].detail) if name}
    body = json.loads(Problem.of(code, **words).body())
    assert {"type", "title", "status", "detail", "code"} <= set(body)
    assert (body["status"], body["code"]) == (KINDS[code].status, code)
    assert all(word in body["detail"] for word in words.values())


def test_wrong_input_names_every_field() -> None:
    """In `errors` and for people in the detail."""
    body = json.loads(invalid_input([FieldError("a", "Missing"), FieldError("b", "Wrong")]).body())
    assert body["detail"] == "a: Missing; b: Wrong"
    assert body["errors"] == [{"field": "a", "message": "Missing"}, {"field": "b", "message": "Wrong"}]


def test_what_is_done_is_passed_on() -> None:
    """Without outcome and about; anything else is raised."""
    assert accepted(("done", None, 1, "x")) == (1, "x")
    with pytest.raises(Problem, match="Available: 3, Requested: 5"):
        accepted(("insufficient_stock", "3", None, None), quantity=5)
