"""Parses targets: text in, targets out. Pure.

::

    targets = target { ("," | ";" | new line) target }
    target  = "stable" [of] modifiers  |  figure comparison number [unit] modifiers
    figure  = [routes] what ["from start"] [of]  |  ("cpu" | "memory" | "connections") "of" role
    what    = "avg" | "min" | "max" | "median" | "p50" … "p99.9" | "rps" | "goodput" | "5xx" | "503"
            | "errors" | "failures" | "error_rate"
    of      = "of" routes
    routes  = METHOD { "/" METHOD } [name] | name | "complex" | "orders" | "every route"
    name    = /as/in/the/statistics | "any other, in quotes"
    modifiers = ["for" seconds "s"] [[","] "abort"] ["(optional)"]

docs/targets.md has examples, and explains how each figure is measured.
"""

from __future__ import annotations

import re
from dataclasses import replace

from stampede.facts.target import COMPARISONS, PERCENTILE, Figure, Kind, Routes, Target
from stampede.targets.tokens import TargetError, Tokens

__all__ = ("TargetError", "parse")

SYNONYMS = {"median": "p50", "average": "avg", "failures": "errors", "error_rate": "errors"}
SPELLINGS = {"==": "=", "≤": "<=", "≥": ">="}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
ROLES = ("api", "postgres", "master", "workers")

MOST_GROWTH = 20
"""Percent by which the p95 of the window's last third may be above the p95 of its first third."""

_LIMIT = re.compile(r"(\d{1,15}(?:\.\d{1,12})?)(.*)", re.ASCII)
_STATUS = re.compile(r"[1-5](?:xx|\d\d)", re.ASCII)
_SECONDS = re.compile(r"([1-9]\d{0,6})(s|m)", re.ASCII)

TIMES = {"ms": ("ms", 1), "s": ("ms", 1000)}
RATES = {"/s": ("/s", 1), "": ("/s", 1)}
SHARES = {"%": ("%", 1), "": ("", 1)}
UNITS: dict[Kind, dict[str, tuple[str, int]]] = {
    Kind.TIME: TIMES,
    Kind.RPS: RATES,
    Kind.GOODPUT: RATES,
    Kind.ERRORS: SHARES,
    Kind.STATUS: SHARES,
    Kind.CPU: {"%": ("%", 1)},
    Kind.MEMORY: {"%": ("%", 1), "mb": ("MB", 1), "gb": ("MB", 1024)},
    Kind.CONNECTIONS: SHARES,
}
"""For each kind, the units that a limit can be written in. Each has the unit that the limit is kept in, and
the factor between the two. No unit means a count."""

SHARES_ONLY = ("error_rate",)
"""Words for a share of requests, never for their number."""

COUNTS = {Kind.ERRORS, Kind.STATUS, Kind.CONNECTIONS}
OF_ROLES = {"cpu": Kind.CPU, "memory": Kind.MEMORY, "connections": Kind.CONNECTIONS}
OF_ROUTES = {"rps": Kind.RPS, "goodput": Kind.GOODPUT, "errors": Kind.ERRORS, "stable": Kind.STABLE}


def parse(text: str) -> tuple[Target, ...]:
    """Return the targets in a text; none where it is blank. Raises TargetError."""
    return _Parser(text).targets()


def _is_percentile(word: str) -> bool:
    percentile = PERCENTILE.fullmatch(word)
    return percentile is not None and float(percentile[1]) > 0


class _Parser:
    """A parser with a method for each rule of the grammar, in the same order."""

    def __init__(self, text: str) -> None:
        self._tokens = Tokens(text)
        self._must_be_share = False
        """Whether the figure that was read last can only be a share."""

    def targets(self) -> tuple[Target, ...]:
        tokens = self._tokens
        targets: list[Target] = []
        while True:
            while tokens.accept("separator"):
                pass
            if tokens.accept("end"):
                return tuple(targets)
            targets.append(self._target())
            if tokens.next.kind not in ("separator", "end"):
                tokens.fail("a comma was expected before the next target")

    def _target(self) -> Target:
        tokens, first = self._tokens, self._tokens.next
        figure = self._figure()
        name = tokens.text_since(first)
        if figure.kind is Kind.STABLE:
            operator, limit, unit = "<=", float(MOST_GROWTH), "%"
        else:
            operator = self._comparison(figure.kind)
            limit, unit = self._limit(figure.kind)
        return self._modifiers(Target(name, figure, operator, limit, unit))

    def _figure(self) -> Figure:
        tokens = self._tokens
        if kind := OF_ROLES.get(tokens.word):
            tokens.take()
            return Figure(kind, role=self._role(kind))
        routes = self._routes()
        figure = self._what()
        figure = self._from_start(figure)
        if tokens.word == "of":
            if routes:
                tokens.fail("the routes were given before: remove one of them")
            tokens.take()
            routes = self._routes() or tokens.fail("routes were expected, such as POST /orders/ or complex")
            figure = self._from_start(figure)
        return replace(figure, routes=routes or Routes())

    def _role(self, kind: Kind) -> str:
        tokens = self._tokens
        roles = ("postgres",) if kind is Kind.CONNECTIONS else ROLES
        if not tokens.accept_words("of"):
            tokens.fail("'of' and a role were expected, such as 'cpu of api'")
        if tokens.word not in roles:
            tokens.fail(f"a role was expected: {', '.join(roles)}")
        return tokens.take().text.casefold()

    def _routes(self) -> Routes | None:
        tokens = self._tokens
        if tokens.accept_words("every", "route"):
            return Routes(group="every")
        if tokens.word in ("complex", "orders"):
            return Routes(group=tokens.take().text.casefold())
        methods: tuple[str, ...] = ()
        name = None
        if set(parts := tokens.word.upper().split("/")) <= METHODS:
            methods = tuple(parts)
            tokens.take()
        if tokens.next.kind == "quoted":
            name = tokens.take().text[1:-1]
        elif tokens.word.startswith("/"):
            name = tokens.take().text
        return Routes(methods, name) if methods or name else None

    def _what(self) -> Figure:
        typed = self._tokens.word
        self._must_be_share = typed in SHARES_ONLY
        word = SYNONYMS.get(typed, typed)
        if kind := OF_ROUTES.get(word):
            figure = Figure(kind)
        elif word in ("avg", "min", "max") or _is_percentile(word):
            figure = Figure(Kind.TIME, word)
        elif _STATUS.fullmatch(word):
            figure = Figure(Kind.STATUS, word)
        else:
            self._tokens.fail(
                "a figure was expected: rps, goodput, errors, 5xx, avg, median, min, max, p50 to p99.9, "
                "stable, or cpu, memory or connections of a role"
            )
        self._tokens.take()
        return figure

    def _from_start(self, figure: Figure) -> Figure:
        token = self._tokens.next
        if not self._tokens.accept_words("from", "start"):
            return figure
        if figure.kind is not Kind.TIME:
            self._tokens.fail("only times can be measured from the start", token)
        return replace(figure, from_start=True)

    def _comparison(self, kind: Kind) -> str:
        tokens = self._tokens
        operator = SPELLINGS.get(tokens.next.text, tokens.next.text)
        if operator not in COMPARISONS:
            tokens.fail("a comparison was expected: <, <=, >, >= or =")
        if operator == "=" and kind not in COUNTS:
            tokens.fail("only counts can be equal: errors, 5xx, connections")
        tokens.take()
        return operator

    def _limit(self, kind: Kind) -> tuple[float, str]:
        tokens, token, units = self._tokens, self._tokens.next, UNITS[kind]
        number = _LIMIT.fullmatch(tokens.word)
        if number is None:
            tokens.fail(f"a number was expected, such as 500{next(iter(units))}")
        tokens.take()
        unit = number[2]
        if not unit and tokens.word and tokens.word in units:
            unit = tokens.take().text.casefold()
        if unit not in units or (self._must_be_share and unit != "%"):
            allowed = "%" if self._must_be_share else " or ".join(unit or "nothing" for unit in units)
            tokens.fail(f"after the number {allowed} was expected", token)
        unit, factor = units[unit]
        return float(number[1]) * factor, unit

    def _modifiers(self, target: Target) -> Target:
        tokens = self._tokens
        if tokens.accept_words("for"):
            target = replace(target, seconds=self._seconds(target.figure.kind))
        token = tokens.next
        if tokens.accept_after_separator("abort"):
            if target.figure.kind is Kind.STABLE:
                tokens.fail("stable is known only at the end of a run", token)
            target = replace(target, abort=True)
        token = tokens.next
        if tokens.accept("optional"):
            if target.abort:
                tokens.fail("an optional target cannot end a run", token)
            target = replace(target, optional=True)
        return target

    def _seconds(self, kind: Kind) -> int:
        time = _SECONDS.fullmatch(self._tokens.word)
        if time is None:
            self._tokens.fail("a time was expected, such as 10s")
        if kind is Kind.STABLE:
            self._tokens.fail("stable compares the thirds of the window")
        self._tokens.take()
        return int(time[1]) * (60 if time[2] == "m" else 1)
