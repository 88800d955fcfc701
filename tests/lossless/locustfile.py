"""The users of every cluster that is compared: a light, steady pace, and now and then a slow answer.

Who asks and how long the answer takes stand in the path: the target knows without a word of Locust
who is there. A user's name begins with its worker's process id.
"""

from __future__ import annotations

import itertools
import os
import random

from locust import FastHttpUser, constant, task

numbers = itertools.count(1)


class Caller(FastHttpUser):
    """Asks two or three times a second; every tenth answer takes a while, so that a stop meets some."""

    wait_time = constant(0.25)

    def on_start(self) -> None:
        """Take a name that nobody has had."""
        self.name = f"{os.getpid()}-{next(numbers)}"

    @task(9)
    def ask(self) -> None:
        """Be answered at once."""
        self.client.get(f"/{self.name}/0", name="quick")

    @task
    def ask_for_much(self) -> None:
        """Be answered after more than a second."""
        milliseconds = random.randrange(1000, 1500)  # noqa: S311 - guards no secret
        self.client.get(f"/{self.name}/{milliseconds}", name="slow")
