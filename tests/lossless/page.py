"""The text of docs/lossless.md around its table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tests.lossless.cluster import SPAWN_RATE, USERS
from tests.lossless.commands import STOP_TIMEOUT
from tests.lossless.table import Outcome, as_markdown

PAGE = """\
<!-- Written by `make lossless`; the text is in tests/lossless/page.py -->
# Lossless: what a cluster loses

Workers join, leave and die, masters stop, networks break. This page shows how many users and requests a
cluster then loses: a cluster of stock Locust, and one of Stampede. Both run the same users and get the same
commands. *due* is what Stampede promises.

{table}

Measured on {day} with Locust {version}. The first command measures all rows in about 3 minutes and writes
this page, the second one measures a single row:

```bash
make lossless
.venv/bin/python -m tests.lossless stop-headless
```

The exit code is 1 if a figure of Stampede is not what is due.

## How it is measured

**Load.** {users} users send two or three requests a second to a server of the test. {spawn_rate} users are
started a second. Every tenth answer takes 1 to 1.5 s, so that requests are in flight at any time. Each
request has the name of its user.

**Figures.** *Requests lost* are the requests that the server received, less those that the master counted
at the end. A user runs from its first request to its last, by the server's clock.

**Clusters.** Both clusters are processes on one machine. Stock Locust has the options of an experienced
user: `--enable-rebalancing` and `--stop-timeout {stop_timeout}`. Its figures are those of its UI, or of its
`--json-file` if the master ends. The figures of Stampede are those of `run.json`.

**A disconnected worker** runs in a network namespace. Its link to the master is taken down, its link to the
server stays.

**Workers of stock Locust** report every 3 s, so what they lose depends on the moment and differs from run
to run. They end after a minute without a message from the master, and are started again at once. Workers of
Stampede do not end.

**A killed worker** cannot report what it did after its last report. These requests are missing in every
figure. In Stampede that is one second at most, and the run shows how many requests it can be.
"""


def page(outcomes: Sequence[Outcome], version: str, day: date) -> str:
    """The page as Markdown, of rows that were run on a day with a version of Locust."""
    return PAGE.format(
        table=as_markdown(outcomes),
        version=version,
        day=day.isoformat(),
        users=USERS,
        spawn_rate=SPAWN_RATE,
        stop_timeout=STOP_TIMEOUT,
    )
