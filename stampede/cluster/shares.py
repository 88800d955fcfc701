"""Shares users out among workers: evenly, in proportion, and with as few moves as possible. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Users = Counter[str]
"""The number of users of each user class, by the name of the class."""


@dataclass(frozen=True, slots=True)
class UserClass:
    """A user class with its weight, or with its number of users where `fixed` is not 0."""

    name: str
    weight: float
    fixed: int = 0


def share_out(
    current: Mapping[str, Mapping[str, int]], users: int, user_classes: Iterable[UserClass]
) -> dict[str, Users]:
    """Return the users that each worker should run, by its id, so that their sum is `users`.

    The sum is lower where no user class can grow. `current` is what each worker runs now. The number of users
    of a class depends on `users` alone, not on which workers joined or left before.
    """
    shares = {worker: Counter(current[worker]) for worker in sorted(current)}
    if not shares:
        return {}
    by_name = {user_class.name: user_class for user_class in user_classes}
    totals: Users = sum(shares.values(), Counter())
    while totals.total() > users:
        name = _next_to_stop(totals, by_name)
        totals[name] -= 1
        _fullest_with(name, shares)[name] -= 1
    while totals.total() < users and (name := _next_to_start(totals, by_name.values())):
        totals[name] += 1
        _emptiest(name, shares)[name] += 1
    _even_out(shares)
    return shares


def _next_to_start(totals: Users, user_classes: Iterable[UserClass]) -> str:
    """Return the class of the next user, or '' where no class can grow.

    Fixed numbers come first, then the weights by the method of Sainte-Laguë.
    """
    for user_class in user_classes:
        if totals[user_class.name] < user_class.fixed:
            return user_class.name
    weighted = [user_class for user_class in user_classes if user_class.weight > 0 and not user_class.fixed]
    if not weighted:
        return ""
    return max(weighted, key=lambda each: (each.weight / (totals[each.name] + 0.5), each.name)).name


def _next_to_stop(totals: Users, user_classes: Mapping[str, UserClass]) -> str:
    """Return the class whose user was the last to start, in the same order.

    A class that is no longer wanted comes first, one with a fixed number last.
    """

    def claim(name: str) -> tuple[bool, float, str]:
        user_class = user_classes.get(name)
        if user_class is None:
            return (False, 0.0, name)
        return (bool(user_class.fixed), user_class.weight / (totals[name] - 0.5), name)

    return min((name for name in totals if totals[name] > 0), key=claim)


def _fullest_with(name: str, shares: Mapping[str, Users]) -> Users:
    candidates = (share for share in shares.values() if share[name] > 0)
    return max(candidates, key=lambda share: (share.total(), share[name]))


def _emptiest(name: str, shares: Mapping[str, Users]) -> Users:
    return min(shares.values(), key=lambda share: (share.total(), share[name]))


def _even_out(shares: Mapping[str, Users]) -> None:
    """Move users until no worker has two more than another.

    Each move is from the fullest worker to the emptiest, of the class in which they differ most.
    """
    while True:
        fullest = max(shares.values(), key=Counter.total)
        emptiest = min(shares.values(), key=Counter.total)
        if fullest.total() - emptiest.total() < 2:
            return
        name = max(fullest, key=lambda each: fullest[each] - emptiest[each])
        fullest[name] -= 1
        emptiest[name] += 1
