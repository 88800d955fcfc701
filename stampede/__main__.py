"""``python -m stampede locust …``: Locust's own command, with the engine loaded.

``python -m stampede audit RUN_FOLDER [--json]``: is the data right that a run has left?
``python -m stampede report RUN_FOLDER``: its report, summary and verdict anew, from its run.json alone.
``python -m stampede compare A B [--force] [--html FILE]``: two runs side by side.
``python -m stampede targets TEXT``: what targets does a text state?
"""

from __future__ import annotations

import logging
import sys
import traceback

USAGE = (
    "usage: python -m stampede locust [locust's own options]"
    " | audit RUN_FOLDER [--json] | targets TEXT | report RUN_FOLDER | compare A B [--force] [--html FILE]"
)


def main() -> None:
    """Run the command that the first argument names. Wrong usage exits with 2."""
    match sys.argv[1:]:
        case ["locust", *options]:
            _locust(options)
        case ["audit", *arguments]:
            from stampede import audit  # needs neither Locust nor gevent

            sys.exit(audit.main(arguments))
        case ["report", *arguments]:
            from stampede import report

            sys.exit(report.main(arguments))
        case ["compare", *arguments]:
            from stampede import compare

            sys.exit(compare.main(arguments))
        case ["targets", text]:
            sys.exit(_targets(text))
        case _:
            print(USAGE, file=sys.stderr)
            sys.exit(2)


def _targets(text: str) -> int:
    from stampede import targets  # needs neither Locust nor gevent

    try:
        found = targets.parse(text)
    except targets.TargetError as error:
        print(f"TARGETS, {error}", file=sys.stderr)
        return 2
    print("\n".join(target.text for target in found))
    return 0


def _locust(options: list[str]) -> None:
    import locust.main  # first of all: it lets gevent patch the standard library

    from stampede.patches import LocustVersionError, check_version

    try:
        check_version()
    except LocustVersionError as error:
        print(f"stampede: {error}", file=sys.stderr)
        sys.exit(2)
    import stampede.hooks  # noqa: F401  (importing it loads the engine)

    sys.argv = ["locust", *options]
    try:
        locust.main.main()
    except Exception as error:  # a locustfile may raise anything while it is imported
        logging.debug("Traceback", exc_info=True)
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(f"stampede: {type(error).__name__}: {error} ({where.filename}:{where.lineno})", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
