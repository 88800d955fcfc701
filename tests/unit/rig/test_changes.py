"""What a cluster that is up cannot change is refused, not ignored."""

import pytest

from stampede.rig import ROOT, UsageError, cluster, settings
from tests.unit.bare import bare_environment, remember  # noqa: F401

OWN = "LOCUSTFILE=load_tests/examples/custom_user.py"
FILE = str(ROOT / "load_tests/examples/custom_user.py")
OTHER = "LOCUSTFILE=load_tests/locustfile.py"


@pytest.mark.parametrize(
    ("up", "asked", "complaint"),
    [
        (["UI_PORT=8090"], ["UI_PORT=8091"], "has UI_PORT=8090: `make down` first, for 8091"),
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


@pytest.mark.parametrize(
    ("up", "asked", "changed"),
    [
        ([OWN, "TAGS=read"], [], {}),
        ([OWN, "TAGS=read"], [OWN, "TAGS=read"], {}),
        ([OWN, "TAGS=read"], [OWN], {}),
        ([OWN], ["TAGS=read"], {"TAGS": "read"}),
        ([], [OWN], {"LOCUSTFILE": FILE}),
        # Its tags and arguments were for the locustfile before.
        (
            [OTHER, "TAGS=read", "LOCUST_ARGS=--wallet 7"],
            [OWN],
            {"LOCUSTFILE": FILE, "TAGS": "", "LOCUST_ARGS": ""},
        ),
    ],
)
def test_a_change_of_the_locustfile_is_noticed(
    up: list[str], asked: list[str], changed: dict[str, str]
) -> None:
    """Where none is given, the cluster keeps the one that it has, with its tags and arguments."""
    remember(settings.read([*up, "RUNTIME=compose"]))
    assert cluster.changed_load(settings.read(["RUNTIME=compose", *asked])) == changed


def test_all_settings_of_a_cluster_that_plain_compose_brought_up_are_changes() -> None:
    assert cluster.changed_load(settings.read(["RUNTIME=compose", OWN])) == {"LOCUSTFILE": FILE}


def test_of_a_cluster_that_plain_compose_brought_up_nothing_is_known() -> None:
    cluster.refuse_changes(settings.read([OWN]))
