"""``python3 -m stampede VERB``: every command of the project. ``--help`` lists the verbs.

The verbs for the cluster need nothing but Python, and run before anything is installed. That is why each verb
imports its modules only when it is called.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (the user's python3 may be older)
    sys.exit(
        "stampede: Python 3.11 or later is needed, this is %d.%d: run `make install`, then try again"  # noqa: UP031
        % sys.version_info[:2]
    )

import argparse
import json
import os
from pathlib import Path
from typing import NoReturn

from stampede import streams

USAGE_EXIT = 2
INTERRUPTED_EXIT = 130

CLUSTER_COMMANDS = {
    "up": "start the cluster, wait until it is healthy, print its addresses",
    "down": "stop the cluster; the data stays",
    "reset": "stop the cluster and delete the data; asks before a run is lost, FORCE=1 does not",
    "scale": "change the number of workers to WORKERS, also in the middle of a run",
    "headless": "run a load, write results/, exit with the verdict's code",
    "restart": "start master and workers again, after an edit in load_tests/",
    "login": "print an address that opens the UI without its password, once and within a minute",
    "logs": "show the logs of the cluster",
    "ps": "list the running containers or processes",
}
"""The verbs of stampede/rig/commands.py, each with its help."""


class Parser(argparse.ArgumentParser):
    """A parser that reports a wrong command in one line, like all other errors."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with USAGE_EXIT."""
        self.exit(USAGE_EXIT, f"stampede: {message}: see {self.prog} --help\n")


def main() -> int:
    """Run the command of the first argument; return its exit code. Wrong usage exits with USAGE_EXIT."""
    arguments = sys.argv[1:]
    if arguments[:1] != ["locust"]:  # master and workers write to logs
        streams.survive_closing()
    if arguments[:1] in (["locust"], ["trial"]):  # all other arguments are Locust's, also --help
        return _locust(arguments[0], arguments[1:])
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except ModuleNotFoundError as error:
        advice = f"`make install`, then .venv/bin/python -m stampede {options.verb}"
        print(f"stampede: {error.name} is missing: {advice}", file=sys.stderr)
        return USAGE_EXIT


def parser() -> argparse.ArgumentParser:
    """Return a parser with a sub-command for each verb.

    The parsed `run` is a function that takes the parsed options and returns an exit code.
    """
    commands = Parser(prog="python3 -m stampede", description="A Locust cluster that judges its runs.")
    verbs = commands.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, text in CLUSTER_COMMANDS.items():
        command = verbs.add_parser(verb, help=text, description=text, epilog=_SETTINGS)
        command.add_argument("settings", nargs="*", metavar="NAME=value", help="such as PROFILE=smoke")
        command.set_defaults(run=_cluster_command)

    text = "run each task of a locustfile once and print every request; exit with 10 if something failed"
    command = verbs.add_parser("try", help=text, description=text, epilog=_SETTINGS)
    command.add_argument("settings", nargs="*", metavar="NAME=value", help="such as LOCUSTFILE=users.py")
    command.set_defaults(run=_cluster_command)

    text = "open the newest report; with a run's folder, make its report again from its run.json"
    command = verbs.add_parser("report", help=text, description=text)
    command.add_argument("folder", nargs="?", type=Path, help="such as results/latest")
    command.set_defaults(run=_report)

    text = "show what got better and what got worse from run A to run B"
    command = verbs.add_parser("compare", help=text, description=text)
    command.add_argument(
        "a", metavar="A", nargs="?", default="", help="a folder, the id of a run in results/, or latest"
    )
    command.add_argument(
        "b", metavar="B", nargs="?", default="", help="the run that is better or worse than A"
    )
    command.add_argument("--force", action="store_true", help="compare runs that are not alike too")
    command.add_argument("--html", type=Path, metavar="FILE", help="write the comparison as a page too")
    command.add_argument(
        "--fail-if-worse", action="store_true", help="exit with 10 if a figure of B is worse, else with 0"
    )
    command.set_defaults(run=_compare)

    text = "check the data that a run has left in the database"
    command = verbs.add_parser("audit", help=text, description=text)
    command.add_argument("folder", type=Path, help="a run's folder, such as results/latest")
    command.add_argument("--json", action="store_true", help="print the checks as JSON instead of a table")
    command.set_defaults(run=_audit)

    text = "check targets, and print each as it was understood"
    command = verbs.add_parser("targets", help=text, description=text)
    command.add_argument("text", metavar="TARGETS", help="such as 'p95 < 300ms, errors < 1%%'")
    command.set_defaults(run=_targets)

    text = "print the JSON Schemas of run.json and verdict.json"
    command = verbs.add_parser("schema", help=text, description=text)
    command.add_argument("file", nargs="?", choices=("run.json", "verdict.json"), help="of one file only")
    command.set_defaults(run=_schema)

    text = "run Locust with the engine loaded; all options are Locust's own"
    verbs.add_parser("locust", help=text, description=text, add_help=False)  # only for the list: main runs it
    return commands


_SETTINGS = (
    "Settings come from NAME=value arguments, then the environment, then .env; .env.example lists them all."
)


def _cluster_command(options: argparse.Namespace) -> int:
    from stampede.rig import commands

    return commands.main(options.verb, options.settings)


def _report(options: argparse.Namespace) -> int:
    if options.folder is None:
        from stampede.rig import commands

        return commands.main(options.verb, [])
    from stampede.report import files

    return files.main(options.folder)


def _compare(options: argparse.Namespace) -> int:
    from stampede.report import compare

    return compare.main(
        options.a, options.b, force=options.force, html=options.html, fail_if_worse=options.fail_if_worse
    )


def _audit(options: argparse.Namespace) -> int:
    from stampede.audit import process

    return process.main(options.folder, as_json=options.json)


def _targets(options: argparse.Namespace) -> int:
    from stampede.targets import parser as targets

    try:
        parsed = targets.parse(options.text)
    except targets.TargetError as error:
        print(f"TARGETS, {error}", file=sys.stderr)
        return USAGE_EXIT
    print("\n".join(target.text for target in parsed))
    return 0


def _schema(options: argparse.Namespace) -> int:
    from stampede.facts import schema

    print(schema.text(options.file))
    return 0


def _locust(verb: str, options: list[str]) -> int:
    """Run Locust with the engine, or try a locustfile: the rig calls `trial`, in a container or here."""
    if variables := os.environ.pop("STAMPEDE_ENV", ""):
        _start_again(json.loads(variables), [verb, *options])
    if verb == "trial":
        return _trial(options)
    from stampede import engine

    return engine.main(options)


def _trial(options: list[str]) -> int:
    try:
        from stampede.trial import entry

        return entry.main(options)
    except KeyboardInterrupt:  # also while Locust is being imported
        print("\nstampede: interrupted", file=sys.stderr)
        return INTERRUPTED_EXIT


def _start_again(variables: dict[str, str], arguments: list[str]) -> NoReturn:
    """Start this process again with the variables of ENV_FILE, some of which Python reads at its start."""
    names = {"STAMPEDE_ENV_NAMES": json.dumps(list(variables))} if arguments[0] == "trial" else {}
    command = [sys.executable, "-m", "stampede", *arguments]
    os.execve(sys.executable, command, {**os.environ, **variables, **names})  # noqa: S606  (no shell is needed)


if __name__ == "__main__":
    sys.exit(main())
