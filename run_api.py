"""The Orders & Inventory API: `python run_api.py [--host H] [--port P]`.

The container, the local runtime and users start the API with this program. Without DATABASE_URL it starts its
own PostgreSQL, whose data stay in .local/ between starts. The other settings are in api/settings.py.
The exit code is 0 after a normal stop and 2 if the API cannot start.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

try:
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels
    from granian.server import MPServer

    from api.admission import SPARE_THREADS
    from api.connection import SchemaVersionError, check_at_start
    from api.request_bodies import MOST_BODIES
    from api.settings import SettingError, Settings
except ModuleNotFoundError as missing:
    print(
        f"api: {missing.name} is missing: `make install`, then .venv/bin/python run_api.py", file=sys.stderr
    )
    sys.exit(2)

DATA = Path(__file__).resolve().parent / ".local" / "postgres"
#: The time for requests in progress at a stop; the longest, a bulk call, may take ten seconds.
DRAIN_SECONDS = 12
#: The limit for all processes together; a further connection waits until one closes.
CONNECTIONS = 8192


def main() -> int:
    """Run the API until it is stopped, and return the exit code."""
    try:
        settings = read_settings()
        check_address(settings)
        with ExitStack() as stack:
            url = settings.database_url or stack.enter_context(embedded_database())
            check_database(url)
            # The server's processes are new interpreters and read the environment: pass the values there.
            os.environ["DATABASE_URL"] = url
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="stampede-metrics-")
            )
            os.environ["API_STARTED_AT"] = str(time.time())
            allow_connections()
            print(f"API at http://{settings.host}:{settings.port}, documentation at /docs", flush=True)
            server(settings).serve()
    except (SettingError, SchemaVersionError) as error:
        print(f"api: {error}", file=sys.stderr)
        return 2
    return 0


def read_settings() -> Settings:
    """Return the settings; the command line overrides the environment."""
    parser = argparse.ArgumentParser(description="The Orders & Inventory API")
    parser.add_argument("--host", help="address to listen on (API_HOST; 127.0.0.1)")
    parser.add_argument("--port", help="port to listen on (API_PORT; 8000)")
    arguments = parser.parse_args()
    options = {"API_HOST": arguments.host, "API_PORT": arguments.port}
    return Settings.from_environment(
        {**os.environ, **{key: value for key, value in options.items() if value}}
    )


def check_address(settings: Settings) -> None:
    """Raise SettingError where the API cannot listen on its address.

    Without this check the server would share a port that is in use, or end with a traceback.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise SettingError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; "
            "choose another with --host and --port, or API_HOST and API_PORT"
        ) from None


@contextmanager
def embedded_database() -> Iterator[str]:
    """Run the embedded PostgreSQL and yield its URL; raise SettingError."""
    try:
        from postgres import embedded, place
    except ImportError:
        raise SettingError("DATABASE_URL must be set: there is no embedded PostgreSQL here") from None
    try:
        with embedded.running(DATA) as database:
            yield database.url("api")
    except place.EmbeddedPostgresError as error:
        raise SettingError(
            f"DATABASE_URL is unset, and the embedded PostgreSQL cannot start: {error}"
        ) from None


def allow_connections() -> None:
    """Raise the limit of open files: each connection is one, and the usual limit is a thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 1024
    if 0 <= soft < wanted:  # below 0: no limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard >= 0 else wanted, hard))


def check_database(url: str) -> None:
    """Raise SettingError for an invalid URL, and SchemaVersionError for a wrong schema."""
    try:
        check_at_start(url)
    except ValueError as error:
        raise SettingError(f"DATABASE_URL: {error}") from None


def server(settings: Settings) -> MPServer:
    """Return the Granian server, not started."""
    return MPServer(
        "api.wsgi:get_app",
        factory=True,
        interface=Interfaces.WSGI,
        # Not HTTP/2: a body that is late ends with its connection, which HTTP/2 shares among requests.
        http=HTTPModes.http1,
        address=settings.host,
        port=settings.port,
        workers=settings.processes,
        blocking_threads=settings.threads + SPARE_THREADS + MOST_BODIES,
        backlog=CONNECTIONS,
        # A process that dies is replaced; its counters stay.
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN_SECONDS,
        websockets=False,
        # Granian's only warning is that eight threads are many. In measurements, eight did better than two.
        log_level=LogLevels.error,
    )


if __name__ == "__main__":
    sys.exit(main())
