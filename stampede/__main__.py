"""``python3 -m stampede VERB``: every command of the project. ``--help`` lists the verbs.

What brings the cluster up and drives it needs nothing but Python. Each verb imports what it needs when it is
called, so these run before anything is installed.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (the user's python3 may be an older one)
    sys.exit(
        "stampede: Python 3.11 or later is needed, this is %d.%d: `make install` gets one, then try again"  # noqa: UP031
        % sys.version_info[:2]
    )

import argparse
from pathlib import Path
from typing import NoReturn

USAGE_EXIT = 2

OF_THE_CLUSTER = {
    "up": "start the cluster, wait until it is healthy, print its addresses",
    "down": "stop the cluster; the data stays",
    "reset": "stop the cluster and delete the data",
    "scale": "change the number of workers to WORKERS, also in the middle of a run",
    "headless": "run a load, leave results/, exit with the verdict's code",
    "restart": "start master and workers again, after an edit in load_tests/",
    "logs": "show what the cluster prints",
    "ps": "list what runs",
}
"""Verbs of stampede/rig/commands.py, each with its help."""


class Parser(argparse.ArgumentParser):
    """Reports a wrong command in one line, as every other mistake of a user is reported."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE_EXIT, f"stampede: {message}: see {self.prog} --help\n")


def main() -> int:
    """Run the command that the first argument names; returns its exit code. Wrong usage exits with 2."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["locust"]:  # all that follows is Locust's, --help too
        return _locust(arguments[1:])
    asked = parser().parse_args(arguments)
    try:
        return int(asked.run(asked))
    except ModuleNotFoundError as error:
        then = f"`make install`, then .venv/bin/python -m stampede {asked.verb}"
        print(f"stampede: {error.name} is missing: {then}", file=sys.stderr)
        return USAGE_EXIT


def parser() -> argparse.ArgumentParser:
    """A sub-command for each verb. Its `run` takes what was parsed and returns an exit code."""
    commands = Parser(prog="python3 -m stampede", description="A Locust cluster that judges its runs.")
    verbs = commands.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, text in OF_THE_CLUSTER.items():
        command = verbs.add_parser(verb, help=text, description=text, epilog=_SETTINGS)
        command.add_argument("settings", nargs="*", metavar="NAME=value", help="such as PROFILE=smoke")
        command.set_defaults(run=_of_the_cluster)

    text = "open the newest report; with a run's folder, make its report again from its run.json"
    command = verbs.add_parser("report", help=text, description=text)
    command.add_argument("folder", nargs="?", type=Path, help="such as results/latest")
    command.set_defaults(run=_report)

    text = "show what got better and what got worse from run A to run B"
    command = verbs.add_parser("compare", help=text, description=text)
    command.add_argument("a", metavar="A", help="a folder, the id of a run in results/, or latest")
    command.add_argument("b", metavar="B", help="what is better or worse than A")
    command.add_argument("--force", action="store_true", help="compare runs that are not alike too")
    command.add_argument("--html", type=Path, metavar="FILE", help="write the comparison as a page too")
    command.set_defaults(run=_compare)

    text = "check whether the data is right that a run has left in the database"
    command = verbs.add_parser("audit", help=text, description=text)
    command.add_argument("folder", type=Path, help="a run's folder, such as results/latest")
    command.add_argument("--json", action="store_true", help="print the checks as JSON instead of a table")
    command.set_defaults(run=_audit)

    text = "check targets, and print each as it was understood"
    command = verbs.add_parser("targets", help=text, description=text)
    command.add_argument("text", metavar="TARGETS", help="such as 'p95 < 300ms, errors < 1%%'")
    command.set_defaults(run=_targets)

    text = "print the JSON Schemas of what a run leaves behind"
    command = verbs.add_parser("schema", help=text, description=text)
    command.add_argument("file", nargs="?", choices=("run.json", "verdict.json"), help="of one file only")
    command.set_defaults(run=_schema)

    text = "run Locust with the engine loaded; all options are Locust's own"
    verbs.add_parser("locust", help=text, description=text, add_help=False)  # for the list: see main
    return commands


_SETTINGS = (
    "Settings come from NAME=value arguments, then the environment, then .env; .env.example lists them all."
)


def _of_the_cluster(asked: argparse.Namespace) -> int:
    from stampede.rig import commands

    return commands.main(asked.verb, asked.settings)


def _report(asked: argparse.Namespace) -> int:
    if asked.folder is None:
        from stampede.rig import commands

        return commands.main(asked.verb, [])
    from stampede.report import files

    return files.main(asked.folder)


def _compare(asked: argparse.Namespace) -> int:
    from stampede.report import compare

    return compare.main(asked.a, asked.b, force=asked.force, html=asked.html)


def _audit(asked: argparse.Namespace) -> int:
    from stampede.audit import process  # needs neither Locust nor gevent

    return process.main(asked.folder, as_json=asked.json)


def _targets(asked: argparse.Namespace) -> int:
    from stampede.targets import parser as targets  # needs neither Locust nor gevent

    try:
        found = targets.parse(asked.text)
    except targets.TargetError as error:
        print(f"TARGETS, {error}", file=sys.stderr)
        return USAGE_EXIT
    print("\n".join(target.text for target in found))
    return 0


def _schema(asked: argparse.Namespace) -> int:
    from stampede.facts import schema

    print(schema.text(asked.file))
    return 0


def _locust(options: list[str]) -> int:
    from stampede import engine

    return engine.main(options)


if __name__ == "__main__":
    sys.exit(main())
