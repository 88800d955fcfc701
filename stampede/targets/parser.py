"""Targets as they are written: text in, targets out. Pure.

::

    targets = target { ("," | ";" | new line) target }
    target  = "stable" [of] modifiers  |  figure comparison number [unit] modifiers
    figure  = [routes] what ["from start"] [of]  |  ("cpu" | "memory" | "connections") "of" role
    what    = "avg" | "min" | "max" | "p50" … "p99.9" | "rps" | "goodput" | "errors" | "5xx" | "503"
    of      = "of" routes
    routes  = METHOD { "/" METHOD } [name] | name | "complex" | "orders" | "every route"
    name    = /as/in/the/statistics | "any other, in quotes"
    modifiers = ["for" seconds "s"] [[","] "abort"] ["(optional)"]

docs/targets.md has examples, and says how each is measured.
"""

from __future__ import annotations

import re
from dataclasses import replace

from stampede.facts.target import COMPARISONS, PERCENTILE, Figure, Kind, Routes, Target
from stampede.targets.tokens import TargetError, Tokens

__all__ = ("TargetError", "parse")

SPELLINGS = {"==": "=", "≤": "<=", "≥": ">="}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
ROLES = ("api", "postgres", "master", "workers")

MOST_GROWTH = 20
"""Percent by which the p95 of the window's last third may be over that of its first."""

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
"""What a limit can be stated in, the unit it is kept in, and how many of that it is. No unit is a count."""

COUNTS = {Kind.ERRORS, Kind.STATUS, Kind.CONNECTIONS}
OF_ROLES = {"cpu": Kind.CPU, "memory": Kind.MEMORY, "connections": Kind.CONNECTIONS}
OF_ROUTES = {"rps": Kind.RPS, "goodput": Kind.GOODPUT, "errors": Kind.ERRORS, "stable": Kind.STABLE}


def parse(text: str) -> tuple[Target, ...]:
    """The targets that a text states; none where it is blank. Raises TargetError."""
    return _Parser(text).targets()


def _is_percentile(word: str) -> bool:
    found = PERCENTILE.fullmatch(word)
    return found is not None and float(found[1]) > 0


class _Parser:
    """A method for each rule of the grammar, in its order."""

    def __init__(self, text: str) -> None:
        self._tokens = Tokens(text)

    def targets(self) -> tuple[Target, ...]:
        tokens = self._tokens
        found: list[Target] = []
        while True:
            while tokens.takes("separator"):
                pass
            if tokens.takes("end"):
                return tuple(found)
            found.append(self._target())
            if tokens.next.kind not in ("separator", "end"):
                tokens.refuse("a comma was expected before the next target")

    def _target(self) -> Target:
        tokens, first = self._tokens, self._tokens.next
        figure = self._figure()
        name = tokens.since(first)
        if figure.kind is Kind.STABLE:
            operator, limit, unit = "<=", float(MOST_GROWTH), "%"
        else:
            operator = self._comparison(figure.kind)
            limit, unit = self._limit(figure.kind)
        return self._modified(Target(name, figure, operator, limit, unit))

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
                tokens.refuse("its routes were named before")
            tokens.take()
            routes = self._routes() or tokens.refuse("routes were expected, such as POST /orders/ or complex")
            figure = self._from_start(figure)
        return replace(figure, routes=routes or Routes())

    def _role(self, kind: Kind) -> str:
        tokens = self._tokens
        roles = ("postgres",) if kind is Kind.CONNECTIONS else ROLES
        if not tokens.takes_words("of"):
            tokens.refuse("'of' was expected, and whose it is")
        if tokens.word not in roles:
            tokens.refuse(f"a role was expected: {', '.join(roles)}")
        return tokens.take().text.casefold()

    def _routes(self) -> Routes | None:
        tokens = self._tokens
        if tokens.takes_words("every", "route"):
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
        word = self._tokens.word
        if kind := OF_ROUTES.get(word):
            figure = Figure(kind)
        elif word in ("avg", "min", "max") or _is_percentile(word):
            figure = Figure(Kind.TIME, word)
        elif _STATUS.fullmatch(word):
            figure = Figure(Kind.STATUS, word)
        else:
            self._tokens.refuse(
                "a figure was expected: rps, goodput, errors, 5xx, avg, min, max, p50 to p99.9, stable,"
                " or cpu, memory or connections of a role"
            )
        self._tokens.take()
        return figure

    def _from_start(self, figure: Figure) -> Figure:
        token = self._tokens.next
        if not self._tokens.takes_words("from", "start"):
            return figure
        if figure.kind is not Kind.TIME:
            self._tokens.refuse("only times count from the start", token)
        return replace(figure, from_start=True)

    def _comparison(self, kind: Kind) -> str:
        tokens = self._tokens
        operator = SPELLINGS.get(tokens.next.text, tokens.next.text)
        if operator not in COMPARISONS:
            tokens.refuse("a comparison was expected: <, <=, >, >= or =")
        if operator == "=" and kind not in COUNTS:
            tokens.refuse("only counts can be equal: errors, 5xx, connections")
        tokens.take()
        return operator

    def _limit(self, kind: Kind) -> tuple[float, str]:
        tokens, token, units = self._tokens, self._tokens.next, UNITS[kind]
        found = _LIMIT.fullmatch(tokens.word)
        if found is None:
            tokens.refuse(f"a number was expected, such as 500{next(iter(units))}")
        tokens.take()
        unit = found[2]
        if not unit and tokens.word and tokens.word in units:
            unit = tokens.take().text.casefold()
        if unit not in units:
            kept = " or ".join(unit or "nothing" for unit in units)
            tokens.refuse(f"after the number {kept} was expected", token)
        unit, times = units[unit]
        return float(found[1]) * times, unit

    def _modified(self, target: Target) -> Target:
        tokens = self._tokens
        if tokens.takes_words("for"):
            target = replace(target, seconds=self._seconds(target.figure.kind))
        token = tokens.next
        if tokens.takes_after_separator("abort"):
            if target.figure.kind is Kind.STABLE:
                tokens.refuse("whether it is stable is known at the end", token)
            target = replace(target, abort=True)
        token = tokens.next
        if tokens.takes("optional"):
            if target.abort:
                tokens.refuse("what is optional ends no run", token)
            target = replace(target, optional=True)
        return target

    def _seconds(self, kind: Kind) -> int:
        found = _SECONDS.fullmatch(self._tokens.word)
        if found is None:
            self._tokens.refuse("a time was expected, such as 10s")
        if kind is Kind.STABLE:
            self._tokens.refuse("stable compares the thirds of the window")
        self._tokens.take()
        return int(found[1]) * (60 if found[2] == "m" else 1)
