"""The cluster as containers: runs Docker Compose on docker-compose.yml."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from stampede.rig import ROOT, UsageError, kept_logs, local_host
from stampede.rig.last_words import last_words
from stampede.rig.private import open_private
from stampede.rig.settings import Settings
from stampede.rig.variables import encoded, environment, of_file

KILLED = "137"
"""The exit code of a container whose program was killed: 128 + SIGKILL."""

START_TIMEOUT = 90.0
"""Seconds for every service to become healthy."""

REMOVAL_TIMEOUT = 5.0
"""Seconds to try again to remove a network that has no container any more."""

MOST_LINES = "50000"
"""The number of lines that are kept of each container's log."""


class Compose:
    """The Compose runtime. `Local` in local.py has the same methods."""

    key = "compose"
    name = "Docker Compose"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._output = ""  # what Compose printed at the start, if not on a terminal

    @staticmethod
    def available() -> bool:
        """Return whether a container engine answers and Compose is installed."""
        try:
            answers = [
                subprocess.run(["docker", *command], env=_inherited(), capture_output=True, timeout=20)
                for command in (["info"], ["compose", "version"])
            ]
        except (OSError, subprocess.TimeoutExpired):
            return False
        return not any(answer.returncode for answer in answers)

    def refuse_other_folder(self) -> None:
        """Raise UsageError if a container of the project was started from another folder: a second clone."""
        project = self._settings.compose_project_name
        mine = f"label=com.docker.compose.project={project}"
        working_dir = '{{.Label "com.docker.compose.project.working_dir"}}'
        command = ["docker", "ps", "--all", "--filter", mine, "--format", working_dir]
        listed = subprocess.run(command, env=_inherited(), capture_output=True, text=True)
        for folder in filter(None, listed.stdout.splitlines()):
            if Path(folder).resolve() != ROOT:
                raise UsageError(
                    f"the containers of '{project}' were started in {folder}: set another "
                    f"COMPOSE_PROJECT_NAME, or stop them (`docker compose --project-name {project} down`)"
                )

    def is_up(self) -> bool:
        """Return whether a master or worker was started and any container runs.

        A database alone is not a cluster. A cluster whose master and workers have ended, for example because
        of an error in the load tests, is still up: `make restart` fixes it.
        """
        containers = self._containers()
        load = [c for c in containers if c["Service"] in ("master", "worker") and c["State"] != "created"]
        return bool(load) and any(c["State"] in ("running", "restarting") for c in containers)

    def up(self) -> None:
        """Build changed images, start all services, and wait until they are healthy. Raise UsageError."""
        roles = self._settings.roles
        build = self._run_visibly("build", *roles)
        if build.returncode:
            raise UsageError(f"the images cannot be built: {last_words(build.stderr)}")
        no_dependencies = ["--no-deps"] if self._settings.host else []
        start = self._run_visibly("up", "--detach", *no_dependencies, *roles)
        self._wait_until_healthy(last_words(start.stderr) if start.returncode else None)

    def _wait_until_healthy(self, start_error: str | None) -> None:
        """Wait for all services but the workers: those are ready when they have joined the master.

        `start_error` is the message of Compose if it could not start all services. Then this raises
        UsageError at once; the log of a service that failed is preferred to that message.
        """
        deadline = time.monotonic() + START_TIMEOUT
        while unhealthy := [c for c in self._containers() if c["Service"] != "worker" and not _ready(c)]:
            failed = [container for container in unhealthy if _failed(container)]
            if failed or time.monotonic() > deadline:
                raise UsageError(self._describe_unhealthy((failed or unhealthy)[0]))
            if start_error:
                break
            time.sleep(0.2)
        if start_error:
            raise UsageError(f"the cluster did not start: {start_error}")

    def _describe_unhealthy(self, container: dict[str, str]) -> str:
        service = container["Service"]
        if str(container.get("ExitCode")) == KILLED:
            advice = f"it may need more memory, set {service.upper()}_MEMORY=2g"
            return f"{service} was killed (exit code 137): {advice}"
        logs = self._compose("logs", "--no-log-prefix", "--tail", "20", service, capture=True)
        words = last_words(logs.stdout)
        folder = self._settings.locustfile and self._settings.locustfile.parent
        # The rig has found the file: it is the user of the container that may not read it.
        if folder and "Could not find" in words:
            words = f"containers run as another user, who may not read {folder}: chmod -R o+rX '{folder}'"
        return f"{service} did not get healthy: {words}"

    def _run_visibly(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a slow command: with Compose's own progress display on a terminal, else with one line."""
        if sys.stderr.isatty():
            return self._compose(*command)
        print(f"  docker compose {command[0]} …", flush=True)
        done = self._compose(*command, capture=True)
        self._output += done.stderr
        return done

    def worker_count(self) -> int:
        """Return the number of worker containers, joined or not."""
        return sum(container["Service"] == "worker" for container in self._containers())

    def worker_error(self) -> str | None:
        """Return why a worker keeps failing at its start, such as one that may not read the locustfile."""
        failed = [c for c in self._containers() if c["Service"] == "worker" and _failed(c)]
        return self._describe_unhealthy(failed[0]) if failed else None

    def scale(self, workers: int) -> None:
        """Change the number of workers, also during a run. Workers that stay are not restarted."""
        env_file = self._settings.env_file
        if env_file and not env_file.exists():
            raise UsageError(f"new workers need ENV_FILE={env_file}, which no longer exists")
        self._checked(
            "up", "--detach", "--no-deps", "--no-recreate", "--scale", f"worker={workers}", "worker"
        )

    def restart_load(self) -> None:
        """Restart master and workers, so that they load the load tests again."""
        self._checked("restart", "--no-deps", "master", "worker")
        self._wait_until_healthy(None)

    def change_load(self) -> None:
        """Replace master and workers by containers with the locustfile of the settings."""
        workers = self.worker_count()
        self._checked("up", "--detach", "--no-deps", "--scale", f"worker={workers}", "master", "worker")
        self._wait_until_healthy(None)

    def seed(self) -> None:
        """Reset the database to the catalogue that a run starts from."""
        psql = ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "stampede"]
        self._checked("exec", "-T", "postgres", *psql, "-f", "/postgres/seed.sql")

    def run_once(self, *arguments: str) -> int:
        """Run `python -m stampede` with arguments in a container like a worker's; return its exit code.

        No other service is started. Raise UsageError if the image cannot be built.
        """
        build = self._run_visibly("build", "worker")
        if build.returncode:
            raise UsageError(f"the image cannot be built: {last_words(build.stderr)}")
        is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
        name = f"{self._settings.compose_project_name}-try-{os.getpid()}"
        options = ["--rm", "--no-deps", "--name", name, *([] if is_terminal else ["-T"])]
        command = ["run", *options, "--entrypoint", "python", "worker", "-m", "stampede", *arguments]
        try:
            return self._compose("--progress", "quiet", *command).returncode
        except KeyboardInterrupt:  # Compose has ended, and may have left the container
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            subprocess.run(["docker", "rm", "--force", name], capture_output=True, start_new_session=True)
            raise
        finally:
            if not self._containers():  # no cluster uses the networks that were created
                self._compose("down", capture=True)

    def reachable_host(self, host: str) -> str:
        """Return `host` as the containers reach it: their own localhost is not this machine."""
        parts = urlsplit(host)
        if local_host.is_local(host):
            port = f":{parts.port}" if parts.port else ""
            parts = parts._replace(netloc=f"host.docker.internal{port}")
        return parts.geturl()

    def allow(self, host: str) -> None:
        """Add `host` to the allowed targets, until the master restarts."""
        self._checked("exec", "-T", "master", "sh", "-c", 'echo "$1" >>"$STAMPEDE_ALLOWED"', "sh", host)

    def owner_key(self) -> str:
        """Return the key with which the owner of the cluster uses a UI that asks for a login."""
        # The file belongs to the master's user, who is not that of the container.
        read = 'exec setpriv --reuid "$(stat -c %u "$STAMPEDE_OWNER_KEY")" cat "$STAMPEDE_OWNER_KEY"'
        return self._checked("exec", "-T", "master", "sh", "-c", read).strip()

    def logs(self) -> None:
        """Show the logs of the services; while one runs, follow them until interrupted.

        Without containers, show the logs that were kept. Raise UsageError if there are none.
        """
        if not (containers := self._containers()):
            kept_logs.show(self._settings.cluster_name)
            return
        is_up = any(container["State"] in ("running", "restarting") for container in containers)
        self._compose("logs", "--tail", "100", *(["--follow"] if is_up else []))

    def write_logs(self, folder: Path) -> None:
        """Write what Compose printed at the start, and the containers' logs, into a folder. Raise OSError."""
        with open_private(folder / "compose.log") as file:
            file.write(self._output)
        for service in {container["Service"] for container in self._containers()}:
            with open_private(folder / f"{service}.log") as file:
                self._compose("logs", "--no-color", "--tail", MOST_LINES, service, output=file)

    def ps(self) -> None:
        """List the containers, also those that have ended."""
        self._compose("ps", "--all")

    def down(self) -> None:
        """Stop all containers; the data stays."""
        self._remove("--remove-orphans")

    def reset(self) -> None:
        """Stop all containers and delete the data."""
        self._remove("--remove-orphans", "--volumes")

    def _remove(self, *options: str) -> None:
        """Run `docker compose down`, again while the engine still counts a container of a network.

        Some engines count one that they have removed until they are restarted. The network that is left does
        no harm, and the next start uses it: this is a warning, no error. Raise UsageError for other errors.
        """
        deadline = time.monotonic() + REMOVAL_TIMEOUT
        while (done := self._compose("down", *options, capture=True)).returncode:
            reason = last_words(done.stderr)
            if "has active endpoints" not in done.stderr or self._containers():
                raise UsageError(f"docker compose down failed: {reason}")
            if time.monotonic() > deadline:
                print(f"stampede: a network is left, which the next start uses: {reason}", file=sys.stderr)
                return
            time.sleep(0.5)

    def _checked(self, *command: str) -> str:
        """Run a Compose command and return its output. Raise UsageError if it fails."""
        done = self._compose(*command, capture=True)
        if done.returncode:
            raise UsageError(f"docker compose {command[0]} failed: {last_words(done.stderr)}")
        return done.stdout

    def _containers(self) -> list[dict[str, Any]]:
        done = self._compose("ps", "--all", "--format", "json", capture=True)
        return list(_json_objects(done.stdout))

    def _compose(
        self, *command: str, capture: bool = False, output: IO[str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a Compose command. Capture its output, or write it into a file; else it is the rig's output."""
        is_shown = not capture and output is None
        return subprocess.run(
            # The file is named, as .env may have a COMPOSE_FILE of another project too. Compose does not read
            # .env: its variables are in the environment, and a warning of Compose could quote a password.
            ["docker", "compose", "--file", "docker-compose.yml", "--env-file", os.devnull, *command],
            cwd=ROOT,
            env={**_inherited(), **self._variables()},
            stdout=subprocess.PIPE if capture else output,
            stderr=subprocess.PIPE if capture else output,
            text=True,
            start_new_session=not is_shown,  # Ctrl-C then reaches the rig only, which cleans up
        )

    def _variables(self) -> dict[str, str]:
        """Return the variables that docker-compose.yml reads."""
        settings = self._settings
        variables = {**settings.service_settings, "COMPOSE_PROJECT_NAME": settings.compose_project_name}
        variables |= {"UI_PORT": str(settings.ui_port), "API_PORT": str(settings.api_port)}
        if settings.workers:
            variables["WORKERS"] = str(settings.workers)
        if settings.host:
            variables["TARGET_HOST"] = self.reachable_host(settings.host)
        if settings.locustfile:
            variables["LOCUSTFILE_FOLDER"] = str(settings.locustfile.parent)
            variables["CONTAINER_LOCUSTFILE"] = f"/locustfile/{settings.locustfile.name}"
        for name in ("tags", "exclude_tags", "locust_args"):  # empty: not what .env has
            variables[name.upper()] = getattr(settings, name) or ""
        own = of_file(settings.env_file)
        variables["STAMPEDE_ENV"] = encoded(own) if own else ""
        for name in (
            "ui_bind",
            "ui_user",
            "ui_password",
            "ui_password_file",
            "allow_targets",
            "keep_results",
        ):
            if value := getattr(settings, name):
                variables[name.upper()] = str(value)
        return variables


def _inherited() -> dict[str, str]:
    """Return the environment without the variables of Compose: they may be of another project."""
    return {name: value for name, value in environment().items() if not name.startswith("COMPOSE_")}


def _ready(container: dict[str, Any]) -> bool:
    """Return whether a container is healthy, or has done its work: the one that writes the secrets ends."""
    if container["Service"] == "secrets":
        return bool(container["State"] == "exited" and container["ExitCode"] == 0)
    return bool(container["Health"] == "healthy")


def _failed(container: dict[str, Any]) -> bool:
    """Return whether a container will not become healthy by itself. A restarting one still may."""
    return bool(container["State"] in ("exited", "dead") or container["Health"] == "unhealthy")


def _json_objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the objects that Compose prints: in one list, or since 2.21 one object a line."""
    for line in text.splitlines():
        parsed = json.loads(line)
        yield from parsed if isinstance(parsed, list) else [parsed]
