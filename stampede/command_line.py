"""Locust's command line and variables, as the rig's settings change them.

==========================  ==================================================================
``STAMPEDE_TAGS``           tags of the tasks that take part, separated by spaces
``STAMPEDE_EXCLUDE_TAGS``   tags of the tasks that do not
``STAMPEDE_ARGS``           the locustfile's own arguments, quoted as for a shell
``STAMPEDE_LOCUSTFILE``     a custom locustfile; its folder becomes the working directory
==========================  ==================================================================
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from itertools import takewhile
from pathlib import Path

from locust.argument_parser import (
    LocustArgumentParser,
    get_empty_argument_parser,
    get_parser,
    setup_parser_arguments,
)

ROOT = Path(__file__).resolve().parents[1]

HONOURED = (
    *("LOCUST_HOST", "LOCUST_LOCUSTFILE", "LOCUST_LOGLEVEL"),
    *("LOCUST_MASTER_NODE_HOST", "LOCUST_MASTER_NODE_PORT"),
)
"""Variables of Locust's options that keep their meaning: the rig sets them."""

SETTINGS = {
    "--locustfile": "LOCUSTFILE=",
    "--host": "HOST=",
    "--users": "USERS=",
    "--spawn-rate": "SPAWN_RATE=",
    "--run-time": "RUN_TIME=",
    "--tags": "TAGS=",
    "--exclude-tags": "EXCLUDE_TAGS=",
    "--profile": "PROFILE=",
    "--loglevel": "LOCUST_LOGLEVEL=",
    "--headless": "`make headless`",
    "--autostart": "`make headless`",
    "--web-host": "UI_BIND=",
    "--web-port": "UI_PORT=",
    "--web-login": "UI_USER= and UI_PASSWORD_FILE=",
    "--processes": "WORKERS=",
    "--expect-workers": "WORKERS=",
    "--master-port": "MASTER_PORT=",
    "--master-bind-port": "MASTER_PORT=",
}
"""What to use instead of an option of Locust."""

READ_FIRST = ("--locustfile", "--config", "--help", "--version")
"""Options that Locust reads before it loads the locustfile, also abbreviated."""


class ArgumentsError(Exception):
    """LOCUST_ARGS has an option that is not the locustfile's own. The message says what to use instead."""


class CommandLine:
    """The locustfile's own arguments, which must not contain options of Locust or of the engine."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._arguments = shlex.split(environment.get("STAMPEDE_ARGS", ""))
        self._options_of_locust = {
            option: max(action.option_strings, key=len)
            for action in get_parser([])._actions
            for option in action.option_strings
        }

    def extend(self, options: Sequence[str]) -> list[str]:
        """Return Locust's options with the tags and the arguments added. Raise ArgumentsError.

        The tags come first: whatever follows the last tag would be taken for one too.
        """
        for name in self._names():
            if option := self._options_of_locust.get(name) or _abbreviated(name, READ_FIRST):
                raise ArgumentsError(_complaint(name, option))
        tags = self._list("--tags", "STAMPEDE_TAGS")
        return [*tags, *self._list("--exclude-tags", "STAMPEDE_EXCLUDE_TAGS"), *options, *self._arguments]

    def check(self, parser: LocustArgumentParser) -> None:
        """Raise ArgumentsError for an argument that is an option of Locust, or that the locustfile lacks.

        `parser` has the locustfile's own options too. An abbreviation of one of them is accepted.
        """
        known = {option for action in parser._actions for option in action.option_strings}
        own = known - self._options_of_locust.keys()
        for name in self._names():
            if any(option.startswith(name) for option in own):
                continue
            if option := self._meant_by(name):
                raise ArgumentsError(_complaint(name, option))
            if name.startswith("--"):
                listed = ", ".join(sorted(option for option in own if not option.startswith("--stampede-")))
                raise ArgumentsError(
                    f"LOCUST_ARGS: the locustfile has no argument {name}: it has {listed or 'none'}"
                )

    def _list(self, option: str, variable: str) -> list[str]:
        words = self._environment.get(variable, "").split()
        return [option, *words] if words else []

    def _names(self) -> list[str]:
        """Return the arguments that argparse takes for options, without their values."""
        options = takewhile(lambda argument: argument != "--", self._arguments)
        return [option.partition("=")[0] for option in options if option.startswith("-")]

    def _meant_by(self, name: str) -> str | None:
        if name.startswith("--"):
            return _abbreviated(name, self._options_of_locust)
        return self._options_of_locust.get(name[:2])  # such as -u5


def _abbreviated(name: str, options: Iterable[str]) -> str | None:
    is_long = name.startswith("--") and name != "--"
    return next((option for option in options if option.startswith(name)), None) if is_long else None


def _complaint(name: str, option: str) -> str:
    what = option if name == option else f"{name} ({option})"
    if setting := SETTINGS.get(option):
        return f"LOCUST_ARGS: {what} is an option of Locust: use {setting} instead"
    return (
        f"LOCUST_ARGS: {what} is not an argument of the locustfile: remove it "
        "(docs/locust.md lists replacements)"
    )


def variables_of_options() -> set[str]:
    """Return the names of the variables that set options of Locust's own."""
    stock = get_empty_argument_parser(default_config_files=[])
    setup_parser_arguments(stock)
    return {action.env_var for action in stock._actions if action.env_var} | {"LOCUST_USER_CLASSES"}


def ignore_variables(environment: MutableMapping[str, str]) -> None:
    """Remove the variables that set options of Locust's own, and print which they are."""
    ignored = sorted((variables_of_options() - set(HONOURED)) & environment.keys())
    for name in ignored:
        del environment[name]
    if ignored:
        print(f"Ignored, as Stampede sets what it needs: {', '.join(ignored)}", file=sys.stderr)


def enter_folder(environment: MutableMapping[str, str]) -> None:
    """Make the folder of a custom locustfile the working directory and the first entry of sys.path.

    The project's own folder becomes the last entry, so that a custom package may be named like one in it.
    Locust receives the name with `./`: it would strip spaces, and take a `-` for an option.
    """
    locustfile = environment.get("STAMPEDE_LOCUSTFILE")
    if not locustfile:
        return
    path = Path(locustfile).absolute()
    if not path.is_file():  # Locust reports it; or it is a list of several, which plain Compose may set
        environment["LOCUST_LOCUSTFILE"] = locustfile
        return
    os.chdir(path.parent)
    folder, project = str(path.parent), str(ROOT)
    sys.path[:] = [folder, *(entry for entry in sys.path if entry not in (folder, project)), project]
    environment["LOCUST_LOCUSTFILE"] = f"./{path.name}"
