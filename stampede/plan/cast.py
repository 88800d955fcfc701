"""Who takes part in a run: the usual mix, a scenario, or whom a profile names; and at which pace."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path

from locust import User
from locust.env import Environment

from stampede.plan import pace
from stampede.plan.profiles import UNPACED, Plan

ALL = "all"
"""The scenario that is all of them."""


class CastError(Exception):
    """Who is to take part is not there, or cannot do what is wanted; the message says what to do."""


class Cast:
    """The kinds of user of one master. What is chosen stands in `environment.user_classes`."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._usual, self._scenarios = by_file(environment.user_classes, environment.parsed_locustfiles or [])
        self.choose_usual()

    def choose_usual(self) -> None:
        """Let those take part who do where nobody is named."""
        self._environment.user_classes = self._usual

    def scenario(self, name: str) -> tuple[str, ...]:
        """The user classes of a scenario: one by its name, or `all` of the files after the first.

        Raises CastError for a name that nobody has.
        """
        if name == ALL and self._scenarios:
            return tuple(user_class.__name__ for user_class in self._scenarios)
        available = self._environment.available_user_classes
        if name not in available:
            choice = f"{ALL} or one" if self._scenarios else "one"
            raise CastError(
                f"there is no scenario '{name}': choose {choice} of {', '.join(sorted(available))}"
            )
        return (name,)

    def choose(self, plan: Plan) -> None:
        """Let the classes take part that the plan names, the usual ones where it names none.

        Raises CastError for a name that nobody has, and where no waits could bring them to the plan's rate.
        """
        available = self._environment.available_user_classes
        if unknown := set(plan.user_classes) - set(available):
            raise CastError(
                f"the locustfile has no user '{min(unknown)}', which profile '{plan.profile}' names: "
                f"it has {', '.join(sorted(available))}"
            )
        named = [available[name] for name in plan.user_classes]
        for user_class in named:
            user_class.weight = user_class.weight or 1  # who is named takes part, also at weight 0
        chosen = named or self._usual
        if plan.pace and not pace.factor(chosen, plan.users, plan.pace):
            raise CastError(
                f"profile '{plan.profile}' offers {plan.pace:g}/s, and none of its users has a wait that can "
                "be scaled: give them wait_time = between(…), or name no PROFILE"
            )
        self._environment.user_classes = chosen

    @property
    def promises(self) -> dict[str, str]:
        """A user class may name, as `promises`, checks that must find something in a run of it."""
        chosen = self._environment.user_classes
        return {check: cls.__name__ for cls in chosen for check in getattr(cls, "promises", ())}

    def pace_scale(self, plan: Plan | None) -> float | None:
        """What waits are multiplied by so that all users together offer the plan's rate; None leaves them."""
        if plan is None or plan.pace is None:
            return None
        if plan.pace == UNPACED:
            return UNPACED
        return pace.factor(self._environment.user_classes, plan.users, plan.pace)


def by_file(
    user_classes: Iterable[type[User]], locustfiles: Sequence[str]
) -> tuple[list[type[User]], list[type[User]]]:
    """Who takes part where nobody is named: all of the first locustfile that have a weight. And who is in
    the files after it."""
    others = {Path(file).resolve() for file in locustfiles[1:]}
    usual, scenarios = [], []
    for user_class in user_classes:
        if Path(inspect.getfile(user_class)).resolve() in others:
            scenarios.append(user_class)
        elif user_class.weight or user_class.fixed_count:
            usual.append(user_class)
    return usual, scenarios
