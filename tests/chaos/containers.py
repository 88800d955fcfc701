"""The cluster as containers, broken by the engine."""

from __future__ import annotations

import json
from pathlib import Path

from tests.chaos.cluster import Cluster, checked
from tests.checkout import Checkout

PAUSE_TRIES = 5


class Containers(Cluster):
    """What is killed stays dead until it is started: the engine takes a `docker kill` for meant."""

    name = "compose"

    def __init__(self, checkout: Checkout) -> None:
        super().__init__(checkout)
        self._hit: dict[str, str] = {}
        """The container that was hit last, by its service."""
        self._network = f"{checkout.environment['COMPOSE_PROJECT_NAME']}_cluster"

    def kill(self, target: str) -> str:
        checked(self.checkout, "docker", "kill", self._choose(target))
        return self._named(target)

    def start(self, target: str) -> None:
        checked(self.checkout, "docker", "start", self._hit[target])

    def pause(self, target: str) -> None:
        """On a busy machine the engine may give up before all processes stand still: it is asked again."""
        command = ("docker", "pause", self._choose(target))
        for _ in range(PAUSE_TRIES - 1):
            if self.checkout.run(*command).returncode == 0:
                return
        checked(self.checkout, *command)

    def resume(self, target: str) -> None:
        checked(self.checkout, "docker", "unpause", self._hit[target])

    def cut(self) -> str:
        checked(self.checkout, "docker", "network", "disconnect", self._network, self._choose("worker"))
        return self._named("worker")

    def join(self) -> None:
        checked(self.checkout, "docker", "network", "connect", self._network, self._hit["worker"])

    def restart_master(self) -> None:
        checked(self.checkout, "docker", "restart", "--time", "30", self._choose("master"))

    def psql(self, statements: str) -> str:
        command = ["docker", "compose", "exec", "-T", "postgres", "psql", "-q", "-v", "ON_ERROR_STOP=1"]
        return checked(self.checkout, *command, "-U", "postgres", "-d", "stampede", "-At", "-c", statements)

    def mend(self) -> None:
        for container in self._ids("--all"):
            found = json.loads(checked(self.checkout, "docker", "inspect", container))[0]
            if found["State"]["Paused"]:
                checked(self.checkout, "docker", "unpause", container)
            if not found["State"]["Running"]:
                checked(self.checkout, "docker", "start", container)
            service = found["Config"]["Labels"]["com.docker.compose.service"]
            if service == "worker" and self._network not in found["NetworkSettings"]["Networks"]:
                checked(self.checkout, "docker", "network", "connect", self._network, container)

    def on_master(self, *command: str) -> tuple[list[str], dict[str, str]]:
        inside = ["docker", "compose", "exec", "-T", "master", "python"]
        return [*inside, *command], self.checkout.environment

    def keep_logs(self, into: Path) -> None:
        logs = self.checkout.run("docker", "compose", "logs", "--no-color", "--timestamps")
        (into / "cluster.log").write_text(logs.stdout)

    def results(self, run_id: str) -> str:
        return f"/results/{run_id}"

    def _choose(self, service: str) -> str:
        """Of several the one that has been there longest."""
        self._hit[service] = self._ids(service)[0]
        return self._hit[service]

    def _named(self, service: str) -> str:
        return f"container {self._hit[service][:12]}"

    def _ids(self, *which: str) -> list[str]:
        return checked(self.checkout, "docker", "compose", "ps", "--quiet", *which).split()
