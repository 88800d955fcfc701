"""Targets: every form of the grammar is understood, and what is none is refused where the mistake stands."""

from __future__ import annotations

import string
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from stampede.facts.target import Figure, Kind, Routes, Target
from stampede.targets import parser
from stampede.targets.parser import TargetError


def parsed(text: str) -> Target:
    (target,) = parser.parse(text)
    return target


@pytest.mark.parametrize(
    ("text", "figure", "limit"),
    [
        ("rps >= 500", Figure(Kind.RPS), (">=", 500, "/s")),
        ("rps > 12.5/s", Figure(Kind.RPS), (">", 12.5, "/s")),
        ("rps ≥ 500", Figure(Kind.RPS), (">=", 500, "/s")),
        ("HEAD/OPTIONS rps > 1", Figure(Kind.RPS, routes=Routes(("HEAD", "OPTIONS"))), (">", 1, "/s")),
        ("DELETE/PATCH rps > 1", Figure(Kind.RPS, routes=Routes(("DELETE", "PATCH"))), (">", 1, "/s")),
        ("p0.5 < 1s", Figure(Kind.TIME, "p0.5"), ("<", 1000, "ms")),
        ("p95 < 300ms", Figure(Kind.TIME, "p95"), ("<", 300, "ms")),
        ("p95 ≤ 0.3 s", Figure(Kind.TIME, "p95"), ("<=", 300, "ms")),
        ("P99.9<2S", Figure(Kind.TIME, "p99.9"), ("<", 2000, "ms")),
        ("max <= 5s", Figure(Kind.TIME, "max"), ("<=", 5000, "ms")),
        ("min < 1ms", Figure(Kind.TIME, "min"), ("<", 1, "ms")),
        ("GET avg < 200ms", Figure(Kind.TIME, "avg", Routes(("GET",))), ("<", 200, "ms")),
        ("post/put avg < 500ms", Figure(Kind.TIME, "avg", Routes(("POST", "PUT"))), ("<", 500, "ms")),
        ("POST p95 < 500ms", Figure(Kind.TIME, "p95", Routes(("POST",))), ("<", 500, "ms")),
        (
            "p99 of POST /orders/ < 800ms",
            Figure(Kind.TIME, "p99", Routes(("POST",), "/orders/")),
            ("<", 800, "ms"),
        ),
        (
            "GET /products/{id} p95 < 100ms",
            Figure(Kind.TIME, "p95", Routes(("GET",), "/products/{id}")),
            ("<", 100, "ms"),
        ),
        # what follows a path's ? belongs to it; a name that is no path stands in quotes
        (
            "p95 of /products/?filter < 1s",
            Figure(Kind.TIME, "p95", Routes((), "/products/?filter")),
            ("<", 1000, "ms"),
        ),
        (
            'avg of "Log in, then out" < 1s',
            Figure(Kind.TIME, "avg", Routes((), "Log in, then out")),
            ("<", 1000, "ms"),
        ),
        ("complex avg < 1000ms", Figure(Kind.TIME, "avg", Routes(group="complex")), ("<", 1000, "ms")),
        ("every route p95 < 100ms", Figure(Kind.TIME, "p95", Routes(group="every")), ("<", 100, "ms")),
        ("p95 of every route < 100ms", Figure(Kind.TIME, "p95", Routes(group="every")), ("<", 100, "ms")),
        ("p99 from start < 2s", Figure(Kind.TIME, "p99", from_start=True), ("<", 2000, "ms")),
        (
            "p99 of GET from start < 2s",
            Figure(Kind.TIME, "p99", Routes(("GET",)), from_start=True),
            ("<", 2000, "ms"),
        ),
        ("errors < 1%", Figure(Kind.ERRORS), ("<", 1, "%")),
        ("failures < 1%", Figure(Kind.ERRORS), ("<", 1, "%")),
        ("failures = 0", Figure(Kind.ERRORS), ("=", 0, "")),
        ("error_rate < 1%", Figure(Kind.ERRORS), ("<", 1, "%")),
        ("Error_Rate of /login <= 0.5 %", Figure(Kind.ERRORS, routes=Routes((), "/login")), ("<=", 0.5, "%")),
        ("median < 20ms", Figure(Kind.TIME, "p50"), ("<", 20, "ms")),
        (
            "median of GET from start < 20ms",
            Figure(Kind.TIME, "p50", Routes(("GET",)), from_start=True),
            ("<", 20, "ms"),
        ),
        ("GET average < 20ms", Figure(Kind.TIME, "avg", Routes(("GET",))), ("<", 20, "ms")),
        ("errors = 0", Figure(Kind.ERRORS), ("=", 0, "")),
        ("errors of POST < 0.1 %", Figure(Kind.ERRORS, routes=Routes(("POST",))), ("<", 0.1, "%")),
        ("5xx = 0", Figure(Kind.STATUS, "5xx"), ("=", 0, "")),
        ("503 == 0", Figure(Kind.STATUS, "503"), ("=", 0, "")),
        ("4xx of /login < 5%", Figure(Kind.STATUS, "4xx", Routes((), "/login")), ("<", 5, "%")),
        (
            "goodput of orders >= 100/s",
            Figure(Kind.GOODPUT, routes=Routes(group="orders")),
            (">=", 100, "/s"),
        ),
        ("stable", Figure(Kind.STABLE), ("<=", 20, "%")),
        (
            "stable of POST /orders/",
            Figure(Kind.STABLE, routes=Routes(("POST",), "/orders/")),
            ("<=", 20, "%"),
        ),
        ("cpu of api < 90%", Figure(Kind.CPU, role="api"), ("<", 90, "%")),
        ("cpu of workers < 90%", Figure(Kind.CPU, role="workers"), ("<", 90, "%")),
        # what is very small or large is no power of ten
        ("errors < 0.00001%", Figure(Kind.ERRORS), ("<", 0.00001, "%")),
        ("p95 < 123456789012s", Figure(Kind.TIME, "p95"), ("<", 123456789012000, "ms")),
        (
            "avg of 'a  b' < 1s",
            Figure(Kind.TIME, "avg", Routes((), "a  b")),
            ("<", 1000, "ms"),
        ),
        ("memory of api < 90%", Figure(Kind.MEMORY, role="api"), ("<", 90, "%")),
        ("memory of api < 400MB", Figure(Kind.MEMORY, role="api"), ("<", 400, "MB")),
        ("memory of api < 1GB", Figure(Kind.MEMORY, role="api"), ("<", 1024, "MB")),
        ("connections of postgres < 80%", Figure(Kind.CONNECTIONS, role="postgres"), ("<", 80, "%")),
        ("connections of postgres <= 50", Figure(Kind.CONNECTIONS, role="postgres"), ("<=", 50, "")),
    ],
)
def test_every_form_is_understood(text: str, figure: Figure, limit: tuple[str, float, str]) -> None:
    """Limits are kept in ms, 1/s, MB or %."""
    target = parsed(text)
    assert target.figure == figure
    assert (target.operator, target.limit, target.unit) == limit
    assert parsed(target.text) == target, "its text states the same"


@pytest.mark.parametrize(
    ("text", "modifiers"),
    [
        ("p99 < 2s", (None, False, False)),
        ("p99 < 2s for 10s, abort", (10, True, False)),
        ("p99 < 2s for 1m abort", (60, True, False)),
        ("p99 < 2s for 2000m", (120_000, False, False)),
        ("p99 < 2s, abort", (None, True, False)),
        ("p99 < 2s (optional)", (None, False, True)),
        ("cpu of api < 90% for 5s ( optional )", (5, False, True)),
        ("stable (optional)", (None, False, True)),
    ],
)
def test_a_target_can_be_modified(text: str, modifiers: tuple[int | None, bool, bool]) -> None:
    """For some seconds, ending the run, deciding nothing."""
    target = parsed(text)
    assert (target.seconds, target.abort, target.optional) == modifiers
    assert parsed(target.text) == target, "its text states the same"


@pytest.mark.parametrize(
    "text",
    [
        "rps >= 5, p99 < 2s for 10s, abort, 5xx = 0",
        "rps >= 5; p99 < 2s for 10s; abort; 5xx = 0",
        "\n rps >= 5\n p99 < 2s for 10s, abort\n\n5xx = 0,\n",
    ],
)
def test_targets_are_separated_as_one_likes(text: str) -> None:
    """By commas, semicolons or lines; an abort belongs to what stands before it."""
    assert [target.text for target in parser.parse(text)] == [
        "rps >= 5/s",
        "p99 < 2000ms for 10s, abort",
        "5xx = 0",
    ]


def test_nothing_states_no_targets() -> None:
    assert parser.parse(" \n , ") == ()


def test_a_target_has_the_name_that_its_author_gave_it() -> None:
    """What stands before the comparison."""
    assert parsed("p95  of\tGET /a < 3s").name == "p95 of GET /a"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("p95 << 3", "column 5: '<<': a comparison was expected: <, <=, >, >= or ="),
        ("p95", "column 4: here a comparison was expected"),
        ("p95 <", "column 6: here a number was expected, such as 500ms"),
        ("p95 < fast", "column 7: 'fast': a number was expected"),
        ("p95 < -3ms", "column 7: '-3ms': a number was expected"),
        ("p95 < 3", "column 7: '3': after the number ms or s was expected"),
        ("p95 < 3%", "column 7: '3%': after the number ms or s was expected"),
        ("p95 < 3ms s", "column 11: 's': a comma was expected"),
        ("\np95 << 3", "column 5: '<<': a comparison was expected"),
        ("\nrps >= 5\np95 << 3", "line 3, column 5: '<<': a comparison was expected"),
        ("error_rate < 1", "column 14: '1': after the number % was expected"),
        ("errors < 1ms", "column 10: '1ms': after the number % or nothing was expected"),
        ("p95 < 1,5ms", "column 7: '1': after the number ms or s was expected"),
        ("p95 = 3ms", "column 5: '=': only counts can be equal"),
        ("p95 != 3ms", "column 5: '!=': a comparison was expected"),
        ("p95 < 3ms p99 < 4ms", "column 11: 'p99': a comma was expected"),
        ("rps >= 5\np95 <  x", "line 2, column 8: 'x': a number was expected"),
        ("p100 < 3s", "column 1: 'p100': a figure was expected"),
        ("p0 < 3s", "column 1: 'p0': a figure was expected"),
        ("PSOT avg < 3s", "column 1: 'PSOT': a figure was expected"),
        ("abort", "column 1: 'abort': a figure was expected"),
        ("rps >= 5, (p95 < 3s)", r"column 11: '\(': a figure was expected"),
        ("p95 of < 3ms", "column 8: '<': routes were expected"),
        ("GET p95 of POST < 3s", "column 9: 'of': the routes were given before: remove one of them"),
        ("errors from start < 1%", "column 8: 'from': only times can be measured from the start"),
        ("cpu < 3%", "column 5: '<': 'of' and a role were expected"),
        ("cpu of redis < 3%", "column 8: 'redis': a role was expected: api, postgres, master, workers"),
        ("connections of api < 3%", "column 16: 'api': a role was expected: postgres"),
        ("p95 < 3ms for a while", "column 15: 'a': a time was expected, such as 10s"),
        ("p95 < 3ms, abort (optional)", r"column 18: '\(optional\)': an optional target cannot end a run"),
        ("stable for 3s", "column 12: '3s': stable compares the thirds"),
        ("stable, abort", "column 7: ',': stable is known only at the end of a run"),
        ('p95 of "x < 3s', "column 8: '\"': routes were expected"),
        ("p95 < ٣ms", "column 7: '٣ms': a number was expected"),
    ],
)
def test_a_mistake_is_named_by_its_column(text: str, complaint: str) -> None:
    """What was found there, and what was expected."""
    with pytest.raises(TargetError, match=f"^{complaint}"):
        parser.parse(text)


def test_a_mistake_is_pointed_at() -> None:
    """The line it stands in, and a mark under it."""
    with pytest.raises(TargetError) as refused:
        parser.parse("rps >= 5\n\tGET p95 << 3\n")
    assert str(refused.value).splitlines()[1:] == ["     GET p95 << 3", "             ^"]


@settings(deadline=None)  # which would be the machine's speed
@example("/ \n")
@given(some.text(alphabet=string.printable))
def test_any_text_is_understood_or_refused(text: str) -> None:
    """Never anything but a TargetError, whose mark is within the text or right behind it."""
    try:
        parser.parse(text)
    except TargetError as error:
        _, line, mark = str(error).rsplit("\n", 2)
        assert len(mark) <= len(line) + 1 or not line.strip()


@settings(deadline=None)
@given(
    some.sampled_from(
        ["rps >= 5", "GET avg < 200ms", "p99 of POST /o < 1s for 3s, abort", "stable (optional)"]
    ),
    some.sampled_from([",", ";", "\n", " , ", "\n\n"]),
    some.lists(some.sampled_from(["errors < 1%", 'p95 of "a b" < 3s', "cpu of api < 90%"]), max_size=4),
)
def test_what_is_understood_alone_is_understood_among_others(
    first: str, separator: str, others: list[str]
) -> None:
    together = parser.parse(separator.join([first, *others]))
    assert [target.text for target in together] == [parsed(text).text for text in (first, *others)]


@pytest.mark.parametrize(
    ("routes", "route", "is_one"),
    [
        (Routes(), ("GET", "/"), True),
        (Routes(("GET",)), ("POST", "/"), False),
        (Routes(("GET",), "/orders"), ("GET", "/orders/"), True),
        (Routes((), "/orders/"), ("GET", "/orders/{id}"), False),
        (Routes(group="complex"), ("GET", "/summary"), True),
        (Routes(group="complex"), ("POST", "/orders/bulk"), True),
        (Routes(group="complex"), ("GET", "/products/?filter"), True),
        (Routes(group="complex"), ("GET", "/products/"), False),
        (Routes(group="orders"), ("POST", "/orders/"), True),
        (Routes(group="orders"), ("POST", "/shop/orders"), True),
        (Routes(group="orders"), ("GET", "/orders/"), False),
        (Routes(group="orders"), ("POST", "/orders/{id}/pay"), False),
        (Routes(group="every"), ("GET", "/"), True),
    ],
)
def test_routes_are_those_of_the_statistics(routes: Routes, route: tuple[str, str], is_one: bool) -> None:
    """By method and name; groups by what their names look like."""
    assert routes.include(*route) is is_one


@pytest.mark.parametrize(("statistic", "fewest"), [("p50", 2), ("p95", 20), ("p99", 100), ("p99.9", 1000)])
def test_a_percentile_takes_as_many_requests_as_one_of_them_is_beyond_it(statistic: str, fewest: int) -> None:
    assert Figure(Kind.TIME, statistic).fewest == fewest
    assert Figure(Kind.TIME, "avg").fewest == 1


def test_a_larger_load_is_wanted_more_of() -> None:
    """Rates grow with it; times do not."""
    assert parsed("rps >= 500 for 10s").scaled(0.25).limit == 125
    assert parsed("rps >= 500 for 10s, abort").scaled(0.25).text == "rps >= 125/s for 10s, abort"
    assert parsed("goodput of orders >= 20/s (optional)").scaled(2).text == (
        "goodput of orders >= 40/s (optional)"
    )
    assert parsed("p95 < 500ms").scaled(0.25) == parsed("p95 < 500ms")


def test_however_small_the_load_something_is_wanted_of_it() -> None:
    """At least nothing is met by an API that never answers."""
    scaled = parsed("rps >= 4").scaled(1 / 200)
    assert (scaled.limit, scaled.text) == (0.02, "rps >= 0.02/s")
    assert not scaled.is_met_by(0.0)
    assert parsed("rps >= 500").scaled(1 / 3).limit == 166.667


@pytest.mark.parametrize(("text", "code"), [("p95 < 3s, stable", 0), ("p95 << 3", 2)])
def test_the_command_asks_for_nothing_but_python(text: str, code: int) -> None:
    """Whoever starts the rig may have no more; and it tells at once."""
    program = "import runpy, sys; sys.modules.update(locust=None, gevent=None, msgspec=None);"
    program += " sys.argv[0] = 'stampede';"
    program += " runpy.run_module('stampede', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", program, "targets", text], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert done.stdout == ("p95 < 3000ms\nstable\n" if code == 0 else "")
    assert done.stderr.partition(": a comparison")[0] == ("TARGETS, column 5: '<<'" if code else "")
