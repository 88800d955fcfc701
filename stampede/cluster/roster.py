"""The workers as their master sees them: who is there, who has users, and what each is called."""

from __future__ import annotations

from locust.runners import STATE_MISSING, STATE_RUNNING, STATE_SPAWNING, MasterRunner, WorkerRunner

HAS_USERS = (STATE_SPAWNING, STATE_RUNNING)


def there(runner: MasterRunner) -> list[str]:
    """The ids of those that are not missing."""
    return [worker.id for worker in runner.clients.all if worker.state != STATE_MISSING]


def with_users(runner: MasterRunner) -> list[str]:
    """The ids of those that users run on, or are about to."""
    return [worker.id for worker in runner.clients.all if worker.state in HAS_USERS]


def label(runner: MasterRunner, worker: str) -> str:
    """The short name of a worker, by its id."""
    return _label(runner.get_worker_index(worker), worker)


def own_label(runner: WorkerRunner) -> str:
    """The same, as the worker itself has it: a master may give it another index when it joins again."""
    return _label(runner.worker_index, runner.client_id)


def _label(index: int, worker: str) -> str:
    """Its index and the end of its id."""
    return f"{index}-{worker[-6:]}"
