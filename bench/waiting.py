"""The users of the part truth: they wait for answers that take a known time."""

from __future__ import annotations

from locust import constant, task

from stampede import FastUser


class Waiting(FastUser):
    wait_time = constant(1)

    @task(8)
    def wait_10_ms(self) -> None:
        self.client.get("/delay/10")

    @task(3)
    def wait_100_ms(self) -> None:
        self.client.get("/delay/100")

    @task
    def wait_500_ms(self) -> None:
        self.client.get("/delay/500")
