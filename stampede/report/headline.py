"""The headline of a run: what is wrong with it, in one line of plain words. Pure.

The report, the summaries, the console and the UI show this line.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from stampede.facts.run_json import Facts
from stampede.facts.target import Kind, MeasuredTarget
from stampede.facts.verdict_json import Check, Judgement, Verdict
from stampede.report.formatting import count, in_words, title
from stampede.verdict.fast import judge

WRONG_DATA: dict[str, Callable[[int], str]] = {
    "no_oversell": lambda n: f"{count(n, 'product')} oversold",
    "no_negative_stock": lambda n: f"{count(n, 'product')} with a stock below zero",
    "acknowledged_orders_kept": lambda n: f"{count(n, 'confirmed order')} lost or changed",
    "one_order_per_key": lambda n: f"{count(n, 'order')} doubled",
    "no_unexpected_orders": lambda n: f"{count(n, 'order')} that no user sent",
    "no_undersell": lambda n: f"{count(n, 'product')} undersold",
    "stock_equals_movements": lambda n: f"stock and movements differ {count(n, 'time')}",
    "refused_means_no_effect": lambda n: f"{count(n, 'refused request')} carried out",
    "sold_out_was_true": lambda n: f"{count(n, 'order')} refused with enough units left",
    "legal_status_paths": lambda n: f"{count(n, 'order')} with an illegal status change",
    "totals_at_order_price": lambda n: f"{count(n, 'wrong total')}",
    "bulk_matches_rows": lambda n: f"{count(n, 'wrong line')} in answers to bulk calls",
    "summary_equals_recount": lambda n: f"{count(n, 'wrong figure')} in the answer of /summary",
    "alarms": lambda n: f"units sold that were not there ({count(n, 'alarm')} during the run)",
}
"""What is wrong where a check of the shop's audit fails, by the number of offenders; the worst first."""

LONGEST = 200
"""Characters of a headline: an error of the audit may be a whole page."""

MOST_WRONG = 3
"""Failed checks of the data that are listed; the report has all."""

DISTRUST = {
    "came_to_its_end": "The figures cannot be trusted: the run did not come to its end",
    "workers_reported": "The counts cannot be trusted: a worker did not report its last requests",
    "messages_read": "The counts cannot be trusted: the master could not read messages of its workers",
    "figures_agree": "The counts cannot be trusted: they do not agree with each other",
    "all_requests_counted": "The counts cannot be trusted: they could not be matched with those of the API",
    "all_responses_reported": "The counts cannot be trusted: the locustfile did not report all responses",
    "rate_reached": "The load cannot be trusted: the users sent fewer requests than planned",
    "users_kept": "The load cannot be trusted: not all users were running",
    "workers_on_time": "The response times cannot be trusted: the workers were late",
    "workers_had_cpu": "The response times cannot be trusted: the workers had no CPU left",
    "workers_got_cores": "The response times cannot be trusted: the workers had to wait for CPU cores",
    "workers_not_throttled": "The response times cannot be trusted: the CPU limit slowed the workers down",
    "master_kept_up": "The figures cannot be trusted: the master did not keep up",
    "clocks_agree": "The times cannot be trusted: the clocks do not agree",
    "contention": "The races cannot be trusted: too few losers competed with a winner",
}
"""What cannot be trusted where a check of VALID does not hold."""

UNDER_OVERLOAD = {
    "goodput_kept": "Too little served under overload",
    "refused_in_time": "Refused too late under overload",
    "recovered": "Not recovered after the overload",
}


def headline(facts: Facts, judgement: Judgement) -> str:
    """Return what is wrong with a run, in one line; what holds where nothing is wrong.

    For a run in progress it is what has failed so far. The line may have text of users and of the API, such
    as routes and errors: callers escape it.
    """
    line = " ".join(_headline(facts, judgement).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _headline(facts: Facts, judgement: Judgement) -> str:
    correct, fast, valid = judgement.correct, judgement.fast, judgement.valid
    if correct.verdict is Verdict.FAIL:
        return _wrong_data(_with(correct.checks, Verdict.FAIL))
    if judgement.exit_code is None and fast.verdict is not Verdict.FAIL:
        return "Nothing has failed so far"
    if judgement.exit_code is not None and valid.verdict not in (Verdict.PASS, Verdict.NOT_ASKED):
        line = _not_trusted([check for check in valid.checks if check.verdict is valid.verdict])
        if fast.verdict is not Verdict.FAIL:
            return line
        missed = _not_fast(facts, _with(fast.checks, Verdict.FAIL))
        return f"{line}; also {missed[0].lower()}{missed[1:]}"
    if fast.verdict is Verdict.FAIL:
        return _not_fast(facts, _with(fast.checks, Verdict.FAIL))
    if undecided := [*_with(correct.checks, Verdict.UNKNOWN), *_with(fast.checks, Verdict.UNKNOWN)]:
        return _undecided(undecided[0])
    return _nothing_wrong(judgement)


def _with(checks: list[Check], verdict: Verdict) -> list[Check]:
    return [check for check in checks if check.verdict is verdict]


def _wrong_data(failed: list[Check]) -> str:
    """Return `Wrong data: 3 products oversold; 12 orders doubled`. A custom audit has its own words."""
    known = {check.name: check for check in failed}
    if len(known) > 1:
        known.pop("alarms", None)  # the audit's own checks have the figures
    order = [name for name in WRONG_DATA if name in known]
    order += [name for name in known if name not in WRONG_DATA]
    listed = "; ".join(_what_is_wrong(known[name]) for name in order[:MOST_WRONG])
    more = len(order) - MOST_WRONG
    return f"Wrong data: {listed}" + (f"; and {more} more" if more > 0 else "")


def _what_is_wrong(check: Check) -> str:
    text = WRONG_DATA.get(check.name)
    if text and check.count:
        return text(check.count)
    return check.detail or f"the check '{title(check.name)}' failed"


def _not_trusted(in_doubt: list[Check]) -> str:
    check = in_doubt[0]
    return DISTRUST.get(check.name, f"This run cannot be trusted: {title(check.name)}: {check.detail}")


def _not_fast(facts: Facts, failed: list[Check]) -> str:
    """Return the target that is missed most, or the first other check that fails."""
    missed = [result for result in facts.targets if judge(result).verdict is Verdict.FAIL]
    if missed:
        return _missed(max(missed, key=_distance))
    check = failed[0]
    match check.name:
        case "failures":
            return f"Requests failed: {facts.failures:,} of {facts.requests:,}"
        case "exceptions":
            return f"The locustfile raised exceptions: {check.detail}"
        case "locustfile_exit_code":
            return f"The locustfile failed the run: {check.detail}"
    return f"{UNDER_OVERLOAD.get(check.name, title(check.name))}: {in_words(check)}"


def _distance(result: MeasuredTarget) -> float:
    """Return how many times a figure is beyond its limit; a target that ended the run comes first."""
    actual, limit = (result.reading.actual if result.reading else None) or 0.0, result.target.limit
    if result.aborted:
        return inf
    high, low = (limit, actual) if result.target.operator[0] == ">" else (actual, limit)
    return high / low if low > 0 else inf


def _missed(result: MeasuredTarget) -> str:
    """Return `Too slow: p95 7.7 ms, limit 1 ms`."""
    target, check = result.target, judge(result)
    limit = (check.limit or "").partition(" ")[2]
    of = check.name.partition(" ")[2]
    kind, is_upper = target.figure.kind, target.operator[0] == "<"
    if kind is Kind.TIME and is_upper:
        return f"Too slow: {check.name} {check.figure}, limit {limit}"
    if kind is Kind.STABLE:
        return f"Slower at the end: p95{f' {of}' if of else ''} rose by {check.figure}, limit {limit}"
    if kind is Kind.ERRORS and target.operator[0] != ">":
        return f"Too many errors{_route(check.name, 'errors')}: {check.figure}, limit {limit}"
    if kind in (Kind.RPS, Kind.GOODPUT) and not is_upper:
        return f"Rate not reached{_route(check.name, 'rps')}: {check.figure}, wanted {limit}"
    wanted = f"limit {limit}" if is_upper else f"wanted {check.limit}"
    return f"Target missed: {check.name} {check.figure}, {wanted}"


def _route(name: str, figure: str) -> str:
    """Return the rest of a target's name, such as ` of POST /orders/`; empty where it is of all routes."""
    rest = name.removeprefix(figure)
    return rest if rest != name else f" ({name})"


def _undecided(check: Check) -> str:
    if check.name == "audit":
        return f"The data could not be checked: {check.detail}"
    return f"Not decided: {title(check.name)}: {check.detail}"


def _nothing_wrong(judged: Judgement) -> str:
    """Return which parts hold, and what was not asked."""
    parts = {"correct": judged.correct, "fast": judged.fast, "valid": judged.valid}
    *first, last = [name for name, part in parts.items() if part.verdict is Verdict.PASS] or ["no failure"]
    holds = f"{', '.join(first)} and {last}" if first else last
    notes = []
    if judged.correct.verdict is Verdict.NOT_ASKED:
        notes.append("the data was not checked")
    if judged.fast.verdict is Verdict.NOT_ASKED:
        notes.append("no targets were set")
    return "; ".join([holds.capitalize(), *notes])
