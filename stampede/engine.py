"""``python -m stampede locust …``: Locust's command, with the engine loaded."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence

import locust.main  # must be first: it makes gevent patch the standard library

from stampede.cluster.patches import LocustVersionError, check_version


def main(options: Sequence[str]) -> int:
    """Run Locust with its own options; return 2 where it cannot start.

    Otherwise Locust ends the process with its own exit code.
    """
    try:
        check_version()
    except LocustVersionError as error:
        print(f"stampede: {error}", file=sys.stderr)
        return 2
    import stampede.hooks  # noqa: F401  (importing it loads the engine)

    sys.argv = ["locust", *options]
    try:
        locust.main.main()
    except Exception as error:  # importing a locustfile may raise anything
        logging.debug("Traceback", exc_info=True)
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(f"stampede: {type(error).__name__}: {error} ({where.filename}:{where.lineno})", file=sys.stderr)
        return 2
    return 0
