"""Sharing users out among workers: evenly, in their kinds' proportions, moving as few as can be. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Users = Counter[str]
"""How many users of each kind."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of user: its weight among the others, or, where `fixed` is not 0, its number."""

    name: str
    weight: float
    fixed: int = 0


def share_out(held: Mapping[str, Mapping[str, int]], users: int, kinds: Iterable[Kind]) -> dict[str, Users]:
    """What each worker is to run, by its id, so that all of them run `users`; fewer where no kind can grow.

    `held` is what each of them runs now. How many there are of a kind depends on `users` alone, however
    often workers came and went before.
    """
    shares = {worker: Counter(held[worker]) for worker in sorted(held)}
    if not shares:
        return {}
    by_name = {kind.name: kind for kind in kinds}
    totals: Users = sum(shares.values(), Counter())
    while totals.total() > users:
        kind = _most_in_excess(totals, by_name)
        totals[kind] -= 1
        _fullest_of(kind, shares)[kind] -= 1
    while totals.total() < users and (kind := _most_missing(totals, by_name.values())):
        totals[kind] += 1
        _emptiest_of(kind, shares)[kind] += 1
    _even_out(shares)
    return shares


def _most_missing(totals: Users, kinds: Iterable[Kind]) -> str:
    """Whose turn it is: fixed numbers first, then the method of Sainte-Laguë; nobody's is ''."""
    for kind in kinds:
        if totals[kind.name] < kind.fixed:
            return kind.name
    weighted = [kind for kind in kinds if kind.weight > 0 and not kind.fixed]
    if not weighted:
        return ""
    return max(weighted, key=lambda kind: (kind.weight / (totals[kind.name] + 0.5), kind.name)).name


def _most_in_excess(totals: Users, kinds: Mapping[str, Kind]) -> str:
    """Who came last, by the same order: what nobody asks for any more goes first, fixed numbers last."""

    def claim(name: str) -> tuple[bool, float, str]:
        kind = kinds.get(name)
        if kind is None:
            return (False, 0.0, name)
        return (bool(kind.fixed), kind.weight / (totals[name] - 0.5), name)

    return min((name for name in totals if totals[name] > 0), key=claim)


def _fullest_of(kind: str, shares: Mapping[str, Users]) -> Users:
    having = (share for share in shares.values() if share[kind] > 0)
    return max(having, key=lambda share: (share.total(), share[kind]))


def _emptiest_of(kind: str, shares: Mapping[str, Users]) -> Users:
    return min(shares.values(), key=lambda share: (share.total(), share[kind]))


def _even_out(shares: Mapping[str, Users]) -> None:
    """Until no worker has two more than another, the fullest gives of what the emptiest lacks most."""
    while True:
        fullest = max(shares.values(), key=Counter.total)
        emptiest = min(shares.values(), key=Counter.total)
        if fullest.total() - emptiest.total() < 2:
            return
        kind = max(fullest, key=lambda name: fullest[name] - emptiest[name])
        fullest[kind] -= 1
        emptiest[kind] += 1
