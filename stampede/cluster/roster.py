"""The workers as their master sees them: which are connected, which have users, and their labels."""

from __future__ import annotations

from locust.runners import STATE_MISSING, STATE_RUNNING, STATE_SPAWNING, MasterRunner, WorkerRunner

STATES_WITH_USERS = (STATE_SPAWNING, STATE_RUNNING)


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


def _label(index: int, worker: str) -> str:
    return f"{index}-{worker[-6:]}"
