"""The user classes that take part in a run, and the factor for their waits."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path

from locust import User
from locust.env import Environment

from stampede.plan import pace
from stampede.plan.profiles import UNPACED, Plan

ALL = "all"
"""The name that selects all scenarios."""


class CastError(Exception):
    """A user class that is missing, or cannot reach the plan's rate; the message says what to do."""


class Cast:
    """The user classes of one master.

    The chosen classes are in `environment.user_classes`, where Locust's dispatcher reads them.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    @cached_property
    def _split(self) -> tuple[list[type[User]], list[type[User]]]:
        """The default classes and the scenarios.

        They are read when the first run starts: until then, listeners of `init` in the locustfile may set
        classes, weights and fixed counts.
        """
        return split_by_file(self._environment.user_classes, self._environment.parsed_locustfiles or [])

    def choose_default(self) -> None:
        """Select the classes that take part when a plan names none."""
        self._environment.user_classes = self._split[0]

    def check_tags(self) -> None:
        """Raise CastError where tags have left no class with a task."""
        options = self._environment.parsed_options
        tags, excluded = getattr(options, "tags", None), getattr(options, "exclude_tags", None)
        if (tags or excluded) and not any(user_class.tasks for user_class in chain(*self._split)):
            reason = (
                f"TAGS: no task has the tag {' or '.join(tags)}"
                if tags
                else "EXCLUDE_TAGS excludes all tasks"
            )
            raise CastError(f"{reason}: see the @tag lines of the locustfile")

    def scenario(self, name: str) -> tuple[str, ...]:
        """Return the names of a scenario's user classes.

        A scenario is one user class, or `all`: every class of the locustfiles after the first.
        Raises CastError where no class has that name.
        """
        _, scenarios = self._split
        if name == ALL and scenarios:
            return tuple(user_class.__name__ for user_class in scenarios)
        available = self._environment.available_user_classes
        if name not in available:
            choice = f"{ALL} or one" if scenarios else "one"
            raise CastError(
                f"there is no scenario '{name}': choose {choice} of {', '.join(sorted(available))}"
            )
        return (name,)

    def choose(self, plan: Plan) -> None:
        """Select the classes that the plan names, or the default ones where it names none.

        Raises CastError for an unknown name, and where the plan has a rate and every class sets its own pace.
        """
        chosen = self.taking_part(plan)
        for user_class in chosen if plan.user_classes else ():
            user_class.weight = user_class.weight or 1  # a named class takes part, also at weight 0
        if plan.pace and not pace.factor(chosen, plan.users, plan.pace):
            names = ", ".join(user_class.__name__ for user_class in chosen)
            raise CastError(
                f"{names} cannot send {plan.pace:g} requests/s: racers set their own pace; "
                "set no RATE, and no PROFILE with a pace"
            )
        self._environment.user_classes = chosen

    def taking_part(self, plan: Plan) -> list[type[User]]:
        """Return the classes that the plan names, or the default ones.

        Raises CastError for an unknown name.
        """
        available = self._environment.available_user_classes
        if unknown := set(plan.user_classes) - set(available):
            raise CastError(
                f"the locustfile has no user '{min(unknown)}', which profile '{plan.profile}' lists: "
                f"it has {', '.join(sorted(available))}"
            )
        return [available[name] for name in plan.user_classes] or self._split[0]

    @property
    def promises(self) -> dict[str, str]:
        """Return the checks that must find something in this run, each with the class that promises it.

        A user class lists them in its attribute `promises`.
        """
        chosen = self._environment.user_classes
        return {check: cls.__name__ for cls in chosen for check in getattr(cls, "promises", ())}

    def pace_scale(self, plan: Plan | None) -> float | None:
        """Return the factor for all waits at which the users together offer the plan's rate.

        None leaves the waits unchanged; 0 removes them.
        """
        if plan is None or plan.pace is None:
            return None
        if plan.pace == UNPACED:
            return UNPACED
        return pace.factor(self._environment.user_classes, plan.users, plan.pace)


def split_by_file(
    user_classes: Iterable[type[User]], locustfiles: Sequence[str]
) -> tuple[list[type[User]], list[type[User]]]:
    """Return the default classes and the scenarios.

    The default classes are those of the first locustfile that have a weight or a fixed count. The scenarios
    are the classes of the files after it.
    """
    scenario_files = {Path(file).resolve() for file in locustfiles[1:]}
    default, scenarios = [], []
    for user_class in user_classes:
        if scenario_files and Path(inspect.getfile(user_class)).resolve() in scenario_files:
            scenarios.append(user_class)
        elif user_class.weight or user_class.fixed_count:
            default.append(user_class)
    return default, scenarios
