"""What a cluster that is up cannot change is refused, not ignored."""

import pytest

from stampede.rig import UsageError, cluster, settings
from tests.unit.bare import bare_environment, remember  # noqa: F401

OWN = "LOCUSTFILE=load_tests/examples/custom_user.py"


@pytest.mark.parametrize(
    ("up", "asked", "complaint"),
    [
        (["UI_PORT=8090"], ["UI_PORT=8091"], "has UI_PORT=8090: `make down` first, for 8091"),
        ([OWN], ["LOCUSTFILE=load_tests/locustfile.py"], "has LOCUSTFILE=.*custom_user.py: `make down`"),
        # It would run the usual users, as if they were those that were asked for.
        ([], [OWN], "has no LOCUSTFILE: `make down` first, for .*custom_user.py"),
        ([], ["ALLOW_TARGETS=login.test"], "has no ALLOW_TARGETS: `make down` first, for login.test"),
        (["WORKER_CPUS=0.5"], ["WORKER_CPUS=1"], "has WORKER_CPUS=0.5: `make down` first, for 1"),
        ([], ["UI_USER=ada", "UI_PASSWORD=x"], "has no UI_USER: `make down` first, for ada"),
        ([], ["HOST=http://api:1"], "has no HOST: `make down` first, for http://api:1"),
    ],
)
def test_what_it_was_not_brought_up_with_is_refused(up: list[str], asked: list[str], complaint: str) -> None:
    remember(settings.read([*up, "RUNTIME=compose"]))
    with pytest.raises(UsageError, match=complaint):
        cluster.refuse_changes(settings.read(asked))


@pytest.mark.parametrize("asked", [[], ["PROFILE=smoke", "WORKERS=2"], [OWN], ["ALLOW_TARGETS=login.test"]])
def test_what_stays_as_it_is_is_not(asked: list[str]) -> None:
    remember(settings.read([OWN, "ALLOW_TARGETS=login.test", "RUNTIME=compose"]))
    cluster.refuse_changes(settings.read(asked))


def test_a_run_may_bring_its_own_host() -> None:
    remember(settings.read(["RUNTIME=compose"]))
    cluster.refuse_changes(settings.read(["HOST=http://api:1"]), ignoring={"HOST"})


def test_of_a_cluster_that_plain_compose_brought_up_nothing_is_known() -> None:
    cluster.refuse_changes(settings.read([OWN]))
