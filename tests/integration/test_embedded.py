"""The embedded PostgreSQL: made once, kept, locked, and none the worse for crashes."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from api.connection import SCHEMA_VERSION
from postgres import embedded, place
from tests.integration.databases import execute, folder_for_postgres
from tests.integration.servers import ROOT
from tests.lossless.commands import free_port

ORDERS = "SELECT count(*) FROM orders"


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """One folder for the file: to make a cluster takes a second or two."""
    with folder_for_postgres() as folder:
        yield folder


def test_data_is_kept_between_starts(data: Path) -> None:
    """Made at the first, found at the second."""
    with embedded.running(data) as server:
        execute(server.url("api"), "SELECT * FROM place_order(5, 1)")
        before = execute(server.url("api"), ORDERS)
    with embedded.running(data) as server:
        assert execute(server.url("api"), ORDERS) == before


def test_two_servers_do_not_share_a_folder(data: Path) -> None:
    """The second says so in one line, and ends with 2."""
    with embedded.running(data), folder_for_postgres() as socket_dir:
        command = [
            sys.executable,
            "-m",
            "postgres.embedded",
            "--data",
            str(data),
            "--socket-dir",
            str(socket_dir),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert str(data) in done.stderr


def test_the_data_of_a_running_server_are_not_deleted(data: Path) -> None:
    """`make reset` deleted them while `python run_api.py` was using them."""
    with embedded.running(data):
        with pytest.raises(place.EmbeddedPostgresError, match="another PostgreSQL uses the data in"):
            place.remove(data)
        assert place.find_place(data).cluster.exists()


def test_a_crash_leaves_nothing_that_hinders_the_next_start(data: Path) -> None:
    """kill -9, and its number in postmaster.pid belongs to another user by now."""
    with embedded.running(data) as server:
        assert server.process is not None
        execute(server.url("api"), "SELECT * FROM place_order(5, 1)")
        before = execute(server.url("api"), ORDERS)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
    leftover = data / "cluster" / "postmaster.pid"
    lines = leftover.read_text().splitlines()
    # PostgreSQL looks at no process of another user, and at none that it descends from.
    with subprocess.Popen(["sleep", "60"], **place.server_identity()) as somebody:
        leftover.write_text("\n".join([str(somebody.pid), *lines[1:]]) + "\n")
        try:
            with embedded.running(data) as server:
                assert execute(server.url("api"), ORDERS) == before
        finally:
            somebody.kill()


def test_an_interrupted_initialisation_is_done_again() -> None:
    """Killed halfway through, it starts from nothing the next time."""
    with folder_for_postgres() as folder:
        unfinished = folder / "cluster.unfinished"
        unfinished.mkdir()
        (unfinished / "PG_VERSION").write_text("18\n")
        with embedded.running(folder) as server:
            assert execute(server.url("api"), "SELECT read_schema_version()") == [(SCHEMA_VERSION,)]
        assert not unfinished.exists()


def test_a_folder_postgres_cannot_enter_leads_elsewhere(tmp_path: Path) -> None:
    """A project in a private folder works too; without root there is nothing to lead away from."""
    tmp_path.chmod(0o700)
    with embedded.running(tmp_path) as server:
        assert execute(server.url("api"), "SELECT read_schema_version()") == [(SCHEMA_VERSION,)]
    if os.geteuid() == 0:
        assert (tmp_path / "elsewhere" / "cluster").exists()
        place.remove(tmp_path)
        assert not (tmp_path / "elsewhere").is_symlink()


def test_the_seed_brings_the_catalogue_back(data: Path) -> None:
    """While clients are connected, and as the same rows as ever."""
    catalogue = "SELECT md5(string_agg(products::text, ',' ORDER BY id)), count(*) FROM products"
    with embedded.running(data) as server:
        server.psql("-f", str(ROOT / "postgres" / "seed.sql"))
        before = execute(server.url("api"), catalogue)
        execute(server.url("api"), "SELECT * FROM place_order(5, 1, 'key')")
        execute(server.url("api"), "SELECT * FROM create_product('X', 'Some', 1, 1)")
        command = [sys.executable, "-m", "postgres.embedded", "--socket-dir", str(server.socket_dir)]
        command += ["psql", "-f", "postgres/seed.sql"]
        subprocess.run(command, cwd=ROOT, check=True, timeout=30)
        assert execute(server.url("api"), catalogue) == before
        assert execute(server.url("api"), "SELECT id FROM place_order(5, 1, 'key')") == [(1,)]


def test_a_port_is_for_those_with_a_password(data: Path) -> None:
    """Over the socket its folder's permissions decide; over TCP the password does."""
    with embedded.running(data, port=free_port()) as server:
        over_tcp = f"postgresql://api:{{}}@127.0.0.1:{server.port}/stampede"
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            execute(over_tcp.format("stampede"), "SELECT 1")  # it has none
        server.psql("-c", "ALTER ROLE api PASSWORD 'right'")
        assert execute(over_tcp.format("right"), "SELECT read_schema_version()") == [(SCHEMA_VERSION,)]
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            execute(over_tcp.format("wrong"), "SELECT 1")


@pytest.mark.parametrize("database", ["stampede", "postgres", "template1"])
def test_the_superuser_connects_over_the_socket_only(data: Path, database: str) -> None:
    """Also with a password that is right; PostgreSQL has no other role that may connect over TCP."""
    with embedded.running(data, port=free_port()) as server:
        server.psql("-c", "ALTER ROLE postgres PASSWORD 'right'")
        try:
            assert execute(server.url("postgres", database), "SELECT 1") == [(1,)]
            with pytest.raises(psycopg2.OperationalError, match=r"no pg_hba\.conf entry"):
                execute(f"postgresql://postgres:right@127.0.0.1:{server.port}/{database}", "SELECT 1")
        finally:
            server.psql("-c", "ALTER ROLE postgres PASSWORD NULL")


def test_the_configuration_is_for_the_server_alone(data: Path) -> None:
    with embedded.running(data):
        files = [place.find_place(data).settings, place.find_place(data).access_rules]
    server = place.server_identity().get("user", os.geteuid())
    assert {(stat.S_IMODE(file.stat().st_mode), file.stat().st_uid) for file in files} == {(0o600, server)}


def test_a_socket_folder_that_is_too_long_is_one_line(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Before PostgreSQL fails with half a path."""
    too_long = Path("/tmp/" + "x" * 100)  # noqa: S108 - never made
    with pytest.raises(place.EmbeddedPostgresError), embedded.running(data, socket_dir=too_long):
        pass
    longest = place.LONGEST_SOCKET_DIR
    assert (
        capfd.readouterr().err == f"postgres: {too_long} is too long for a socket: at most {longest} bytes\n"
    )


@pytest.mark.parametrize(("system", "longest"), [("macOS", 103), ("Linux", 107)])
def test_the_longest_socket_folder_fits(system: str, longest: int) -> None:
    """With the longest name a socket can have, whatever the port."""
    assert place.LONGEST_SOCKET_DIR + len("/.s.PGSQL.65535") <= longest, system


@pytest.mark.parametrize("mode", [None, 0o711, 0o755, 0o700])
def test_only_the_servers_user_enters_the_socket_folder(data: Path, mode: int | None) -> None:
    """Made by us, or there before with whatever permissions: who enters it is superuser."""
    with folder_for_postgres() as folder:
        socket_dir = folder / "socket"
        if mode is not None:
            socket_dir.mkdir()
            socket_dir.chmod(mode)
        with embedded.running(data, socket_dir=socket_dir) as server:
            found = socket_dir.stat()
            assert stat.S_IMODE(found.st_mode) == 0o700
            assert found.st_uid == place.server_identity().get("user", os.geteuid())
            assert execute(server.url("api"), "SELECT read_schema_version()") == [(SCHEMA_VERSION,)]
        place.prepare_socket_dir(socket_dir)  # its own of the last time


def given_away(folder: Path) -> None:
    os.chown(folder, 12345, 12345)


def open_to_all(folder: Path) -> None:
    folder.chmod(0o1777)


def link_to_another(folder: Path) -> None:
    folder.rename(folder.with_name("another"))
    folder.symlink_to(folder.with_name("another"))


SPOILT = (open_to_all, link_to_another, *([given_away] if os.geteuid() == 0 else []))
"""Only root can give a folder away."""


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_socket_folder_of_somebody_else_is_refused(spoil: Callable[[Path], None]) -> None:
    """In one line, and left as it is."""
    with folder_for_postgres() as folder:
        socket_dir = folder / "socket"
        socket_dir.mkdir()
        spoil(socket_dir)
        before = socket_dir.stat()
        with pytest.raises(place.EmbeddedPostgresError, match=str(socket_dir)):
            place.prepare_socket_dir(socket_dir)
        assert socket_dir.stat() == before
