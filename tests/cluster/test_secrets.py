"""The passwords of the database in containers: which container can log in to what."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator

import pytest

from tests.checkout import Checkout, wait_until
from tests.cluster.test_plain_compose import compose, has_catalogue

pytestmark = pytest.mark.long

CONNECT = "import psycopg2, sys; psycopg2.connect(sys.argv[1]).cursor().execute(sys.argv[2])"
VOLUMES = {"api-secrets", "auditor-secrets"}
REFUSED = re.compile("no pg_hba.conf entry|password authentication failed|no password supplied")
OLD = "ALTER ROLE {} PASSWORD 'stampede'"
"""The default password of earlier versions."""


@pytest.fixture(scope="module")
def cluster(engine: None, checkout: Checkout) -> Iterator[Checkout]:  # noqa: ARG001  (skips without one)
    """All services but the workers, started by plain `docker compose up`."""
    checkout.used.add("compose")
    compose(checkout, "up", "--detach", "--wait", "master")
    yield checkout
    compose(checkout, "down", "--volumes")


def connect(checkout: Checkout, service: str, url: str, statement: str = "SELECT 1") -> str:
    """Run a statement from inside a container; return what went wrong, empty if nothing did."""
    done = checkout.run("docker", "compose", "exec", "-T", service, "python", "-c", CONNECT, url, statement)
    return done.stdout.strip()


def secret(checkout: Checkout, service: str, role: str) -> str:
    """A role's password, as a service reads it."""
    return compose(checkout, "exec", "-T", service, "cat", f"/secrets/{role}/password").strip()


def psql(checkout: Checkout, statement: str) -> str:
    """What a statement of the superuser prints, over the local socket."""
    command = ["psql", "-U", "postgres", "-d", "stampede", "-Atc", statement]
    return compose(checkout, "exec", "-T", "postgres", *command).strip()


def volumes(checkout: Checkout) -> set[str]:
    """The volumes of the project, without the project's name."""
    project = checkout.environment["COMPOSE_PROJECT_NAME"]
    mine = f"label=com.docker.compose.project={project}"
    listed = checkout.run("docker", "volume", "ls", "--quiet", "--filter", mine).stdout.split()
    return {name.removeprefix(f"{project}_") for name in listed}


def test_the_api_and_the_auditor_log_in_with_different_passwords(cluster: Checkout) -> None:
    """Each of 256 random bits."""
    wait_until(lambda: has_catalogue(cluster), "the API has its catalogue")
    audit = ["python", "-m", "stampede", "audit", "/results/nowhere"]
    passwords = {secret(cluster, "api", "api"), secret(cluster, "master", "auditor")}
    assert [len(password) for password in passwords] == [64, 64]
    url = f"postgresql://auditor:{secret(cluster, 'master', 'auditor')}@postgres/stampede"
    assert connect(cluster, "master", url, "SELECT count(*) FROM orders") == ""
    done = cluster.run("docker", "compose", "exec", "-T", "master", *audit)
    assert "run.json" in done.stdout, "it is not the database that it lacks"


@pytest.mark.parametrize("role", ["postgres", "owner", "auditor"])
def test_the_api_logs_in_as_no_other_role(cluster: Checkout, role: str) -> None:
    """Neither with a usual password, nor with its own, nor without one; to no database."""
    passwords = ("stampede", "postgres", "", secret(cluster, "api", "api"))
    for password, database in itertools.product(passwords, ("stampede", "postgres", "template1")):
        error = connect(cluster, "api", f"postgresql://{role}:{password}@postgres/{database}")
        assert "psycopg2.OperationalError" in error
        assert REFUSED.search(error)


def test_the_superuser_is_refused_with_the_right_password_too(cluster: Checkout) -> None:
    """The network is the reason, not the password."""
    psql(cluster, "ALTER ROLE postgres PASSWORD 'right'")
    try:
        error = connect(cluster, "api", "postgresql://postgres:right@postgres/stampede")
    finally:
        psql(cluster, "ALTER ROLE postgres PASSWORD NULL")
    assert "no pg_hba.conf entry" in error


@pytest.mark.parametrize(
    "statement",
    [
        "COPY orders FROM PROGRAM 'id'",
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "COPY orders FROM '/secrets/auditor/password'",
        "SELECT pg_read_file('/secrets/auditor/password')",
        "SELECT rolpassword FROM pg_authid",
        "ALTER ROLE auditor PASSWORD 'mine'",
        "SET ROLE postgres",
    ],
)
def test_the_api_runs_no_program_and_reads_no_file_of_the_server(cluster: Checkout, statement: str) -> None:
    """With its own role, from its own container."""
    url = f"postgresql://api:{secret(cluster, 'api', 'api')}@postgres/stampede"
    assert connect(cluster, "api", url) == ""
    assert "psycopg2.errors.InsufficientPrivilege" in connect(cluster, "api", url, statement)


def test_a_container_has_the_secrets_of_its_role_only(cluster: Checkout) -> None:
    """To be read; the one that writes them has no network, and ends."""
    ids = compose(cluster, "ps", "--all", "--quiet").split()
    found = {}
    for container in json.loads(cluster.run("docker", "inspect", *ids).stdout):
        service = container["Config"]["Labels"]["com.docker.compose.service"]
        mounted = [each for each in container["Mounts"] if each["Destination"].startswith("/secrets/")]
        found[service] = {each["Destination"].removeprefix("/secrets/") for each in mounted}
        if service != "secrets":
            assert not any(each["RW"] for each in mounted), service
            continue
        assert container["State"]["Status"] == "exited"
        assert container["HostConfig"]["NetworkMode"] == "none"
        assert container["HostConfig"]["ReadonlyRootfs"]
        assert container["HostConfig"]["CapDrop"] == ["ALL"]
        assert {each["Type"] for each in container["Mounts"]} == {"bind", "volume"}
        assert len(container["Mounts"]) == 3, "the script and the volumes, and none that stays behind"
    both = {"api", "auditor"}
    assert found == {"secrets": both, "postgres": both, "api": {"api"}, "master": {"auditor"}}


def test_no_password_is_where_docker_shows_it(cluster: Checkout) -> None:
    """Neither in what `docker inspect` prints, nor in a log."""
    ids = compose(cluster, "ps", "--all", "--quiet").split()
    shown = cluster.run("docker", "inspect", *ids).stdout + compose(cluster, "logs", "--no-color")
    for role in ("api", "auditor"):
        assert secret(cluster, "postgres", role) not in shown


def test_new_secrets_and_the_data_of_an_earlier_version_fit(cluster: Checkout) -> None:
    """Its roles have the default passwords, and there is no volume of secrets; `down` keeps the data."""
    before = secret(cluster, "api", "api")
    psql(cluster, "CREATE TABLE kept (id int)")
    for role in ("postgres", "api", "auditor"):
        psql(cluster, OLD.format(role))
    compose(cluster, "down")
    assert volumes(cluster) == VOLUMES | {"postgres", "cluster-key"}
    project = cluster.environment["COMPOSE_PROJECT_NAME"]
    cluster.run("docker", "volume", "rm", *(f"{project}_{volume}" for volume in VOLUMES))
    compose(cluster, "up", "--detach", "--wait", "master")
    wait_until(lambda: has_catalogue(cluster), "the API has its catalogue")
    assert secret(cluster, "api", "api") != before
    assert psql(cluster, "SELECT count(*) FROM kept") == "0"
    for role in ("api", "auditor"):
        error = connect(cluster, "api", f"postgresql://{role}:stampede@postgres/stampede")
        assert "password authentication failed" in error
    assert psql(cluster, "SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = 'postgres'") == "t"


def test_a_second_up_changes_nothing(cluster: Checkout) -> None:
    """The containers that run keep their passwords."""
    before = compose(cluster, "ps", "--quiet").split(), secret(cluster, "api", "api")
    compose(cluster, "up", "--detach", "--wait", "master")
    assert (compose(cluster, "ps", "--quiet").split(), secret(cluster, "api", "api")) == before
    assert has_catalogue(cluster)


def test_data_that_is_incomplete_is_one_line(cluster: Checkout) -> None:
    """As after a first start that was interrupted; the line has no password."""
    password = secret(cluster, "postgres", "auditor")
    psql(cluster, "ALTER ROLE auditor RENAME TO gone")
    compose(cluster, "stop", "postgres")
    try:
        cluster.run("docker", "compose", "up", "--detach", "--wait", "postgres")
        log = compose(cluster, "logs", "--no-log-prefix", "postgres")
    finally:
        compose(cluster, "down", "--volumes")
        compose(cluster, "up", "--detach", "--wait", "master")
    assert log.strip().endswith(
        "\npostgres: the roles cannot get their passwords, as the data is incomplete: run `make reset`"
    )
    assert 'role "auditor" does not exist' in log
    assert password not in log


def test_reset_deletes_the_secrets_with_the_data(cluster: Checkout) -> None:
    """Both are new at the next start."""
    done = cluster.make("reset", "RUNTIME=compose", "FORCE=1")
    assert done.returncode == 0, done.stdout
    assert volumes(cluster) == set()
