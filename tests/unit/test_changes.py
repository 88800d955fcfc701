"""What a cluster that is up cannot change is refused, not ignored."""

from pathlib import Path

import pytest

from rig import UsageError, cluster, memory, settings
from rig.settings import Settings

OWN = "LOCUSTFILE=load_tests/examples/custom_user.py"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither this machine's environment nor the cluster that is up here has a say."""
    for name in settings.NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    monkeypatch.setattr(memory, "MEMORY", tmp_path / ".local" / "clusters.json")


def remember(asked: Settings) -> None:
    """As `up` does."""
    memory.remember(str(asked.runtime), asked.compose_project_name, asked.of_the_cluster)


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
    cluster.refuse_changes(settings.read(["HOST=http://api:1"]), but={"HOST"})


def test_of_a_cluster_that_plain_compose_brought_up_nothing_is_known() -> None:
    cluster.refuse_changes(settings.read([OWN]))
