"""Findings are shown with their facts, whatever an audit reports."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.facts.run_json import Phase
from stampede.report import formatting


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        ({"what": "3 too many", "product_id": 7, "at": "noon"}, "3 too many (product_id 7, noon)"),
        ({"name": "negative_stock", "product_id": 7}, "negative stock (product_id 7)"),
        ({"what": "gone"}, "gone"),
        # of a custom audit
        ({"ticket": 17, "buyers": 2}, "buyers 2, ticket 17"),
        ({"ticket": 17, "name": None, "what": None, "seat": None}, "ticket 17"),
        ({"orders": [7, 8], "of": {"user": "ann"}}, 'of {"user": "ann"}, orders [7, 8]'),
        ({"at": "noon"}, "noon"),
        ({"what": 5}, "5"),
    ],
)
def test_a_finding_is_shown_with_its_facts(finding: dict[str, Any], text: str) -> None:
    assert formatting.offender(finding) == text


def test_every_phase_has_a_text() -> None:
    assert formatting.PHASES.keys() == set(Phase)
