"""The workers as their master sees them: which are connected, which have users, and their labels."""

from __future__ import annotations

import logging
import re

from locust.runners import STATE_MISSING, STATE_RUNNING, STATE_SPAWNING, MasterRunner, WorkerRunner

STATES_WITH_USERS = (STATE_SPAWNING, STATE_RUNNING)

WORKER_ID = re.compile(r"(?<![\w.-])[\w.-]{1,253}_[0-9a-f]{32}(?![0-9a-f])")
"""An id as Locust gives it to a worker: the name of its machine or container, and a random number.

It is searched for at the beginnings of words only: else a long word in an answer of the API would block the
master for seconds.
"""


def connected_workers(runner: MasterRunner) -> list[str]:
    """Return the ids of the workers that are not missing."""
    return [worker.id for worker in runner.clients.all if worker.state != STATE_MISSING]


def workers_with_users(runner: MasterRunner) -> list[str]:
    """Return the ids of the workers that run users or are about to."""
    return [worker.id for worker in runner.clients.all if worker.state in STATES_WITH_USERS]


def users_due(runner: MasterRunner) -> int:
    """Return how many users the ramp in progress has reached by now; 0 where no run is in progress."""
    dispatcher = runner._users_dispatcher
    return int(dispatcher.users_due()) if dispatcher else 0


def users_starting(runner: MasterRunner) -> int:
    """Return how many users the workers are starting now; 0 where no run is in progress."""
    dispatcher = runner._users_dispatcher
    return int(dispatcher.users_starting()) if dispatcher else 0


def label(runner: MasterRunner, worker: str) -> str:
    """Return the short name of a worker, by its id."""
    return _label(runner.get_worker_index(worker), worker)


def own_label(runner: WorkerRunner) -> str:
    """Return a worker's own label. It can change: the master may assign another index on a rejoin."""
    return _label(runner.worker_index, runner.client_id)


def with_labels(runner: MasterRunner, text: str) -> str:
    """Return a text of Locust's with the label of each worker instead of its id.

    A worker that the master no longer knows has no index: its label is only the end of its id.
    """
    return WORKER_ID.sub(lambda found: _label(runner.worker_indexes.get(found[0]), found[0]), text)


def label_workers_in_logs(runner: MasterRunner) -> None:
    """Replace the ids of workers in all lines that Locust's runner logs on the master."""

    def replace_ids(record: logging.LogRecord) -> bool:
        record.msg, record.args = with_labels(runner, record.getMessage()), ()
        return True

    logging.getLogger(MasterRunner.__module__).addFilter(replace_ids)


def _label(index: int | None, worker: str) -> str:
    return worker[-6:] if index is None else f"{index}-{worker[-6:]}"
