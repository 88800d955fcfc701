"""docs/lossless.md: the table, and the words around it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tests.lossless.cluster import SPAWN_RATE, USERS
from tests.lossless.commands import STOP_TIMEOUT
from tests.lossless.table import Outcome, as_markdown

PAGE = """\
<!-- `make lossless` writes this page; its words stand in tests/lossless/page.py -->
# What a cluster loses, and this one does not

Workers come and go, masters stop, networks break. Each line below was done to a cluster of stock Locust
and to one of Stampede, by the same commands, under the same users.

{table}

Measured on {day} with Locust {version}: `make lossless` (about 3 minutes; `python -m tests.lossless kill`
is one line of it). It ends with 1 if a figure of Stampede's is not what is due.

## How it is measured

{users} users ask a server of the test's two or three times a second; every tenth answer takes 1 to 1.5 s, so
that whatever happens meets requests in flight. Each request says who sends it. *Requests lost* is what that
server has got, less what the master has counted in the end. A user *is there* from its first request to its
last, by the server's clock, whatever the master believes.

Both sides are processes on one machine. A cut is a real one: the worker lives in a network namespace
whose link to the master is taken down, while the one to the server stays. Stock Locust's workers end when
they have heard nothing of their master for a minute; they are started again at once. Ours do not end.

Stock Locust gets what an experienced user would give it: `--enable-rebalancing`,
`--stop-timeout {stop_timeout}`; on both sides {spawn_rate} users are started a second. Its figures
are those of its UI, or of its `--json-file` where the master ends; Stampede's are those of `run.json`.

Stock Locust's losses differ from run to run: its workers report every 3 s, and what matters is how long ago
they did.

A killed worker cannot report any more. What it did since its last report, and what was not answered yet, is
missing everywhere; here that is one second at most, and the run says how much it can be.
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
