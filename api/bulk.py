"""The answer to a bulk call: which lines were created and which failed."""

from __future__ import annotations

from collections.abc import Sequence

from api.connection import Row
from api.messages import BulkResult, Created, Failure, NewOrder, NewProduct
from api.problems import KINDS, Problem


def bulk_result(rows: Sequence[Row], lines: Sequence[NewOrder] | Sequence[NewProduct]) -> BulkResult:
    """Return the answer from the database's rows, (index, outcome, about, id), one for each line."""
    result = BulkResult(0, 0, [], [])
    for index, outcome, about, id_ in sorted(rows):
        if outcome == "done":
            result.created.append(Created(index, id_))
        else:
            result.failures.append(failure(index, outcome, about, lines[index]))
    result.success_count = len(result.created)
    result.failure_count = len(result.failures)
    return result


def failure(index: int, code: str, about: str, line: NewOrder | NewProduct) -> Failure:
    """Return the failure of one line; `about` is the value that the database returned for the detail."""
    match line:
        case NewOrder():
            problem = Problem.of(code, about=about, id=line.product_id, quantity=line.quantity)
        case NewProduct():
            problem = Problem.of(code, about=about)
    return Failure(index, code, problem.detail, KINDS[code].field)
