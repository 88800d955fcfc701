"""Some of the cases from the field, one for each kind of fault; `make cases` runs all of them."""

from __future__ import annotations

import pytest

from tests.cases.catalogue import CASES, Named
from tests.checkout import Checkout
from tests.clusters import checkout  # noqa: F401

KINDS = {
    "02-load-shape": "the locustfile controls the load",
    "07b-reset-every-2-s": "the verdict rests on the engine's own counts",
}


@pytest.mark.parametrize("case", [case for case in CASES if case.name in KINDS], ids=lambda case: case.name)
def test_a_case_gives_its_right_value(case: Named, checkout: Checkout) -> None:  # noqa: F811 - the fixture
    case.assert_right(checkout)


def test_each_kind_has_a_case() -> None:
    assert KINDS.keys() <= {case.name for case in CASES}
