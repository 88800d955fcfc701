"""Nothing is lost where stock Locust loses users or figures: `make lossless`."""

from __future__ import annotations

import pytest

from tests.lossless.compare import compare
from tests.lossless.rows import ROWS
from tests.lossless.table import OURS, as_text, complaints


def test_no_request_is_lost_when_everything_is_told_to_end() -> None:
    """As `docker compose stop` does it, in the middle of a run. The quickest row, of ours only."""
    (outcome,) = compare([row for row in ROWS if row.name == "stop-compose"], [OURS])
    assert not complaints([outcome]), as_text([outcome])


@pytest.mark.long
def test_nothing_is_lost_where_stock_locust_loses() -> None:
    """Every row, both sides."""
    outcomes = compare(ROWS)
    assert not complaints(outcomes), as_text(outcomes)
