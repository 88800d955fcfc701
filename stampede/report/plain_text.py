"""``summary.txt``: the results of a run, for a console. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from statistics import fmean, median

from stampede.counting.names import EVENT as OTHER_NAMES
from stampede.facts.event import OUT_OF_MEMORY, Event
from stampede.facts.figures import Failed, Figures, StageFigures
from stampede.facts.run_json import Facts, Race
from stampede.facts.verdict_json import Check, Judgement, Part, Verdict
from stampede.harmless import line
from stampede.report import formatting
from stampede.report.headline import headline
from stampede.verdict.silences import is_silence

MOST_FAILURES = 10
"""Errors, and exceptions, that are listed: the report has more."""

MOST_SILENCES = 5

OF_THE_LOCUSTFILE = (
    "worker_blocked",
    "users_ended",
    "locustfile_stopped",
    "shape_failed",
    OTHER_NAMES,
    OUT_OF_MEMORY,
)
"""Events that the locustfile's own code causes, and those that settings of the cluster prevent."""

MOST_EVENTS = 5
"""Of them, those that are listed."""

LONGEST = 200
"""Characters of one error: an error may be a whole page."""

SHARED = "Users and API share the cores of this machine: each slows down the other."


def plain_text(run: Facts, judged: Judgement) -> str:
    """Return the figures, the failures and the checks of a run, each on a line of its own."""
    lines = [
        line(f"{judged.verdict}: {headline(run, judged)}"),
        line(f"Run {run.id}: {_what_was_run(run)}"),
        *_figures(run),
        *_silences(run.events),
        *_of_the_locustfile(run.events),
        *_stages(run.stages),
        *_failures((error.occurrences, formatting.failure(error)) for error in run.errors),
        *_failures((raised.count, formatting.exception(raised)) for raised in run.exceptions),
        *_races([race for race in run.races if race.shots]),
        *(line for name, part in judged.parts.items() for line in _part(name, part)),
        *(["", SHARED] if run.machine.generator_shares_cores else []),
    ]
    return "\n".join(lines) + "\n"


def _what_was_run(run: Facts) -> str:
    load = f"{formatting.count(run.users, 'user')}, {formatting.count(run.workers, 'worker')}"
    return f"{formatting.load_name(run)}, {load}, target {run.host or formatting.NONE}"


def _figures(run: Facts) -> Iterator[str]:
    if run.window:
        left_out, rps = formatting.left_out(run.window), formatting.number(run.window.rps)
        yield f"Window of {run.window.seconds} s{left_out}: {rps} requests/s"
        for method, figures in run.window.by_method.items():
            yield f"  {line(method):7} {_of_method(figures)}"


def _of_method(figures: Figures) -> str:
    if not figures.requests:
        return "0 requests"
    line = f"{figures.requests:,} requests, {figures.failures:,} failed; ms: {_times(figures)}"
    if failed := figures.failed:
        unanswered = f" ({failed.unanswered:,} without an answer)" if failed.unanswered else ""
        line += f"; of failed{unanswered}: {_times(failed)}"
    if due := figures.from_start:
        p95, p99 = formatting.number(due.p95_ms), formatting.number(due.p99_ms)
        line += f"; since they were due: p95 {p95}, p99 {p99}"
    return line


def _times(figures: Figures | Failed) -> str:
    if figures.avg_ms is None:
        return "no times"
    return (
        f"average {formatting.number(figures.avg_ms)}, p50 {formatting.number(figures.p50_ms)},"
        f" p95 {formatting.number(figures.p95_ms)}, p99 {formatting.number(figures.p99_ms)}"
    )


def _silences(events: Iterable[Event]) -> Iterator[str]:
    """Yield a line with the times in which the target did not answer, where there were any."""
    silent = [formatting.silence(event) for event in events if is_silence(event)]
    if silent:
        more = f" and {len(silent) - MOST_SILENCES:,} more" if len(silent) > MOST_SILENCES else ""
        yield f"No answer from {', '.join(silent[:MOST_SILENCES])}{more}"


def _of_the_locustfile(events: list[Event]) -> Iterator[str]:
    """Yield a line for each event that the locustfile's own code caused."""
    for event in [event for event in events if event.name in OF_THE_LOCUSTFILE][:MOST_EVENTS]:
        yield line(f"{formatting.clock(event.at)} {formatting.title(event.name)}: {formatting.event(event)}")


def _stages(stages: list[StageFigures]) -> Iterator[str]:
    """Yield a table of the stages, where there are several."""
    if len(stages) < 2:
        return
    yield ""
    yield f"{'users':>7} {'requests/s':>11} {'served/s':>9} {'refused':>8} {'failed':>7}   p50   p95   p99 ms"
    for stage in stages:
        times = (formatting.number(time) for time in (stage.p50_ms, stage.p95_ms, stage.p99_ms))
        yield (
            f"{stage.users:7,} {stage.rps:11,} {stage.goodput:9,} {stage.refused:8,}"
            f" {stage.failures:7,}{''.join(f'{time:>6}' for time in times)}"
        )


def _failures(counted: Iterable[tuple[int, str]]) -> Iterator[str]:
    """Yield a line for each error and its count, the most frequent first."""
    ordered = sorted(counted, key=lambda pair: (-pair[0], pair[1]))
    for times, what in ordered[:MOST_FAILURES]:
        yield f"  {times:,} × {line(what, LONGEST)}"
    if len(ordered) > MOST_FAILURES:
        yield f"  and {len(ordered) - MOST_FAILURES:,} more"


def _races(races: list[Race]) -> Iterator[str]:
    """Yield the winners of all races, and the median time between the shots of a round."""
    if not races:
        return
    winners = Counter(race.winners for race in races)
    most = [f"{times} × {formatting.count(number, 'winner')}" for number, times in winners.most_common(3)]
    won = ", ".join(most + ["…"] * (len(winners) > len(most)))
    overlaps = [race.overlap for race in races if race.overlap is not None]
    overlap = f", {formatting.percent(fmean(overlaps))} of the losers met a winner" if overlaps else ""
    spread = median(race.spread_ms for race in races)
    yield ""
    yield f"Races: {len(races)} rounds, {won}; median spread {spread:.0f} ms{overlap}"


def _part(name: str, part: Part) -> Iterator[str]:
    """Yield the verdict of a part, and a line for each of its checks.

    NOT_ASKED checks are listed only where the whole part is NOT_ASKED, or where they are optional targets.
    """
    listed = [
        check
        for check in part.checks
        if check.verdict is not Verdict.NOT_ASKED or part.verdict is Verdict.NOT_ASKED or check.optional
    ]
    width = max([26, *(len(line(check.name)) for check in listed)])
    yield ""
    yield f"{name.upper():8} {part.verdict}"
    for check in listed:
        yield f"  {check.verdict:9} {line(check.name):{width}} {line(_detail(check))}"
        for which, offender in check.offenders.items():
            yield f"  {'':9} {'':{width}} {which}: {line(formatting.offender(offender))}"


def _detail(check: Check) -> str:
    near = "; near its limit" if check.verdict is Verdict.PASS and check.colour == "yellow" else ""
    return f"{formatting.in_words(check)}{near}"
