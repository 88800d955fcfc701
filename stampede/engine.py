"""``python -m stampede locust …``: Locust's command, with the engine loaded."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence

import locust.main  # must be first: it makes gevent patch the standard library

from stampede import command_line
from stampede.cluster import loading_patches, patches
from stampede.cluster.curve import KeyFileError
from stampede.cluster.patches import LocustVersionError
from stampede.command_line import ArgumentsError, CommandLine


def _load_hooks() -> None:
    import stampede.hooks  # noqa: F401  (importing it loads the engine)


def main(options: Sequence[str], listen: Callable[[], None] = _load_hooks) -> int:
    """Run Locust with its own options; return 2 where it cannot start.

    Otherwise Locust ends the process with its own exit code. `listen` registers listeners to Locust's events,
    before the locustfile is loaded.
    """
    try:
        patches.check_version()
        listen()
        _prepare(options)
        locust.main.main()
    except (LocustVersionError, ArgumentsError, KeyFileError) as error:
        print(f"stampede: {error}", file=sys.stderr)
        return 2
    except Exception as error:  # importing a locustfile may raise anything
        logging.debug("Traceback", exc_info=True)
        print(f"stampede: {type(error).__name__}: {error}{_place(error)}", file=sys.stderr)
        return 2
    return 0


def _place(error: Exception) -> str:
    """Return where an error was raised; nothing for a SyntaxError, whose text has the place."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return "" if isinstance(error, SyntaxError) else f" ({where.filename}:{where.lineno})"


def _prepare(options: Sequence[str]) -> None:
    """Set Locust's command line, and what it reads besides. Raise ArgumentsError."""
    loading_patches.read_no_default_configuration()
    command_line.ignore_variables(os.environ)
    command_line.enter_folder(os.environ)
    arguments = CommandLine(os.environ)
    loading_patches.before_parsing(arguments.check)
    loading_patches.collect_tests_outside(command_line.ROOT)
    sys.argv = ["locust", *arguments.extend(options)]
