"""A cluster to break: what can be done to it in both runtimes, and how it is mended."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

import msgspec

from stampede.facts.verdict_json import Check
from stampede.rig.master import Master, MasterGoneError
from tests.chaos.plan import LONGEST_EXHAUST, Fault, Load
from tests.checkout import Checkout, wait_until

HERE = Path(__file__).resolve().parent

OURS = "application_name = 'stampede-api'"
END_API_CONNECTIONS = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {OURS}"  # noqa: S608
API_CONNECTIONS = f"SELECT count(*) FROM pg_stat_activity WHERE {OURS}"  # noqa: S608
END_HELD_CONNECTIONS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'chaos'"
)
LONGEST_HOLD = LONGEST_EXHAUST + 30.0
"""Seconds after which connections are given back, if nobody has asked for them; taking them takes time."""


class ActError(Exception):
    """Something could not be done to the cluster; the message says what and why."""


class Cluster(ABC):
    """One that is up, in a checkout of its own. Each act returns what is worth telling of it."""

    name: str

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.master = Master(checkout.ui_url)
        self._holder: subprocess.Popen[str] | None = None

    def cannot(self, _fault: Fault) -> str | None:
        """Why this runtime cannot do it; None if it can."""
        return None

    @abstractmethod
    def kill(self, target: str) -> str:
        """SIGKILL to all of a target's processes; of the workers, to one."""

    @abstractmethod
    def start(self, target: str) -> None:
        """Start what was killed."""

    @abstractmethod
    def pause(self, target: str) -> None:
        """Stop all of its processes where they are."""

    @abstractmethod
    def resume(self, target: str) -> None:
        """Let them go on."""

    @abstractmethod
    def cut(self) -> str:
        """Take a worker off the network it shares with the master."""

    @abstractmethod
    def join(self) -> None:
        """Put it back."""

    @abstractmethod
    def restart_master(self) -> None:
        """End the master as at a deployment, and start it."""

    @abstractmethod
    def psql(self, statements: str) -> str:
        """What psql, as the superuser, prints."""

    @abstractmethod
    def mend(self) -> None:
        """Whatever is dead, stopped or cut is not, afterwards. Never raises for what is whole."""

    @abstractmethod
    def on_master(self, *command: str) -> tuple[list[str], dict[str, str]]:
        """The command line and environment that run a Python command where the master is."""

    @abstractmethod
    def keep_logs(self, into: Path) -> None:
        """What it has printed goes to this folder."""

    @abstractmethod
    def results(self, run_id: str) -> str:
        """The folder of a run, as the master knows it."""

    def scale(self, workers: int) -> str:
        """Change the number of workers, and wait until so many have joined."""
        done = self.checkout.rig("scale", f"RUNTIME={self.name}", f"WORKERS={workers}")
        return done.stdout.strip().rpartition("\n")[2]

    def exhaust(self) -> str:
        """Take all connections that an ordinary role can have, then end the API's and fight for those."""
        before = int(self.psql(API_CONNECTIONS))
        script = (HERE / "hold_connections.py").read_text()
        command, environment = self.on_master("-c", script, str(LONGEST_HOLD))
        self._holder = subprocess.Popen(
            command,
            cwd=self.checkout.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._holder.stdout is not None
        held = self._holder.stdout.readline().strip()
        if not held:
            raise ActError("PostgreSQL's connections could not be taken")
        self.psql(END_API_CONNECTIONS)
        return f"{held} connections taken, then the API's {before} ended and taken"

    def give_back(self) -> str:
        """Give the connections back; returns how many the API had kept."""
        kept = self.psql(API_CONNECTIONS)
        self._let_go()
        return f"the API had {kept.strip()} connections at the end"

    def _let_go(self) -> None:
        holder, self._holder = self._holder, None
        if holder is None:
            return
        assert holder.stdin is not None
        holder.stdin.close()
        try:
            holder.wait(10)
        except subprocess.TimeoutExpired:
            holder.kill()
            holder.wait()
        with suppress(Exception):  # the database may be what is broken
            self.psql(END_HELD_CONNECTIONS)

    def heal(self) -> None:
        """Nothing is left dead, stopped, cut or taken."""
        self._let_go()
        self.mend()

    def wait_for_health(self) -> None:
        """Raises AssertionError where it does not come."""
        wait_until(self._is_healthy, "a healthy API")

    def _is_healthy(self) -> bool:
        try:
            return self.checkout.api_status("/health") == 200
        except OSError:
            return False

    def audit(self, run_id: str) -> list[Check]:
        """CORRECT's checks, by hand, of a run that the master did not come to judge. Raises ActError."""
        command, environment = self.on_master("-m", "stampede", "audit", self.results(run_id), "--json")
        done = subprocess.run(
            command,
            cwd=self.checkout.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if not done.stdout:
            raise ActError(f"the audit failed: {done.stderr.strip()}")
        return msgspec.json.decode(done.stdout, type=dict[str, list[Check]])["checks"]

    def is_ready_for_a_run(self, workers: int) -> bool:
        """Whether the master answers and so many workers have joined, none in a run."""
        with suppress(MasterGoneError):
            states = [worker["state"] for worker in self.master.stats().get("workers", [])]
            return states.count("ready") == workers
        return False

    def set_profile(self, load: Load) -> None:
        """Let [chaos] be this load: the master reads its profiles whenever a run starts."""
        profiles = self.checkout.folder / "load_tests" / "profiles.toml"
        profiles.write_text(profiles.read_text() + load.profile)


def checked(checkout: Checkout, *command: str) -> str:
    """What a command prints. Raises ActError with it where it fails."""
    done = checkout.run(*command)
    if done.returncode:
        raise ActError(f"{' '.join(command[:3])}: {done.stdout.strip()}")
    return done.stdout.strip()


def begin(cluster: Cluster, fault: Fault) -> str:
    """Do it; returns what is worth telling."""
    match fault.what:
        case "kill":
            return cluster.kill(fault.target)
        case "pause":
            cluster.pause(fault.target)
            return ""
        case "exhaust":
            return cluster.exhaust()
        case "scale":
            return cluster.scale(fault.workers or 1)
        case "cut":
            return cluster.cut()
        case "restart":
            cluster.restart_master()
            return ""
        case unknown:
            raise AssertionError(f"a plan with {unknown} is refused")


def end(cluster: Cluster, fault: Fault) -> str:
    """Undo it; what has no duration has nothing to undo."""
    match fault.what:
        case "kill":
            cluster.start(fault.target)
        case "pause":
            cluster.resume(fault.target)
        case "exhaust":
            return cluster.give_back()
        case "cut":
            cluster.join()
    return ""
