"""Replacements in Locust for the start of a process: its configuration, its command line, pytest's functions.

They are made for one version of Locust, like those in patches.py. "Stock" means Locust without them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import locust.main
from locust import User, argument_parser
from locust.argument_parser import LocustArgumentParser

PYTEST_CONFIGURATIONS = (
    *("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"),
    *("pyproject.toml", "tox.ini", "setup.cfg"),
)
"""The names of the files that pytest reads."""


def read_no_default_configuration() -> None:
    """Let Locust read only the configuration files that its command line names.

    Stock Locust also reads ~/.locust.conf, and locust.conf and pyproject.toml of the working directory: one
    with `headless = true` would start a run that nobody asked for.
    """
    argument_parser.get_empty_argument_parser.__defaults__ = (True, ())
    argument_parser.get_parser.__defaults__ = ((),)


def before_parsing(check: Callable[[LocustArgumentParser], None]) -> None:
    """Call `check` with the complete parser, the locustfile's options included, before Locust uses it.

    Stock Locust has no hook between the locustfile's own options and the command line.
    """
    get_parser = argument_parser.get_parser

    def get_checked_parser() -> LocustArgumentParser:
        parser = get_parser()
        check(parser)
        return parser

    locust.main.get_parser = get_checked_parser


def collect_tests_outside(project: Path) -> None:
    """Let pytest, which collects a locustfile's test functions, ignore the configuration of `project`.

    Stock Locust uses the nearest configuration: for a locustfile in the project, the one of its own tests. A
    configuration between the project's folder and the locustfile still counts.
    """
    load: Callable[[str], dict[str, type[User]]] = locust.main.load_locustfile_pytest

    def load_outside(path: str) -> dict[str, type[User]]:
        import _pytest.config  # imported here, as few locustfiles need it

        folders = [folder for folder in Path(path).parents if project in folder.parents]
        has_own = any((folder / name).exists() for folder in folders for name in PYTEST_CONFIGURATIONS)
        if project not in Path(path).parents or has_own:
            return load(path)
        config: Any = _pytest.config.Config
        configured = config.fromdictargs
        none = ["-c", os.devnull, "--rootdir", str(Path(path).parent)]
        config.fromdictargs = lambda given, options: configured(given, [*none, *options])
        try:
            return load(path)
        finally:
            config.fromdictargs = configured

    locust.main.load_locustfile_pytest = load_outside
