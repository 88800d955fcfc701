"""What a cluster was brought up with is known to the verbs that follow, until it is down."""

from pathlib import Path

import pytest

from stampede.rig import UsageError, memory, settings
from stampede.rig.settings import Settings
from tests.unit.bare import bare_environment, remember  # noqa: F401


def test_what_the_cluster_was_brought_up_with_is_remembered() -> None:
    """`make scale N=8` after `make up UI_PORT=8090` finds it; once it is down, it is forgotten."""
    up = ["UI_PORT=8090", "HOST=http://api:1", "WORKERS=2", "PROFILE=smoke", "RUNTIME=compose"]
    remember(settings.read(up))
    assert settings.read([]) == Settings(runtime="compose", ui_port=8090, host="http://api:1")
    assert settings.read(["UI_PORT=8091"]).ui_port == 8091
    memory.forget("compose", settings.PROJECT)
    assert settings.read([]) == Settings()


def test_what_the_services_were_brought_up_with_is_remembered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """So that workers added later are like the first, and a second `make up` changes nothing."""
    monkeypatch.setenv("API_PROCESSES", "3")
    (tmp_path / ".env").write_text("LOCUST_LOGLEVEL=DEBUG\nAPI_THREADS=\n")
    up = settings.read(["WORKER_CPUS=0.5", "RUNTIME=compose"])
    remember(up)
    monkeypatch.delenv("API_PROCESSES")
    (tmp_path / ".env").unlink()
    assert settings.read([]) == up
    handed_on = {"WORKER_CPUS": "0.5", "API_PROCESSES": "3", "LOCUST_LOGLEVEL": "DEBUG"}
    assert settings.read([]).service_settings == handed_on
    assert settings.read(["WORKER_CPUS=1"]).service_settings == {**handed_on, "WORKER_CPUS": "1"}


def test_no_password_is_remembered(tmp_path: Path) -> None:
    """Whom it belongs to is: half a login is refused, so that none is lost. A file is found again."""
    told = settings.read(["UI_PASSWORD=lovelace", "UI_USER=ada", "RUNTIME=compose"])
    remember(told)
    assert "lovelace" not in memory.MEMORY.read_text() + repr(told)
    with pytest.raises(UsageError, match="one is missing"):
        assert settings.read([]).login
    assert settings.read(["UI_PASSWORD=lovelace"]).login == ("ada", "lovelace")
    (tmp_path / "secret").write_text("lovelace\n")
    remember(settings.read([f"UI_PASSWORD_FILE={tmp_path}/secret", "RUNTIME=compose"]))
    assert settings.read([]).login == ("ada", "lovelace")


def test_two_clusters_are_remembered_each_by_its_runtime() -> None:
    """One that is brought up, or down, beside another takes nothing from it."""
    remember(settings.read(["HOST=http://api:1", "RUNTIME=compose"]))
    remember(settings.read(["UI_PORT=8090", "RUNTIME=local"]))
    assert settings.read(["RUNTIME=local"]) == Settings(runtime="local", ui_port=8090)
    memory.forget("local", settings.PROJECT)
    assert settings.read(["RUNTIME=local"]) == Settings(runtime="local")
    assert settings.read([]) == Settings(runtime="compose", host="http://api:1")


def test_clusters_of_different_names_are_remembered_each_by_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As .env.example promises: without its name nobody finds, or forgets, what is up under another."""
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "other")
    remember(settings.read(["UI_PORT=8090", "RUNTIME=compose"]))
    monkeypatch.delenv("COMPOSE_PROJECT_NAME")
    assert settings.read([]) == Settings()
    memory.forget("compose", settings.PROJECT)
    assert settings.read(["COMPOSE_PROJECT_NAME=other"]).ui_port == 8090


@pytest.mark.parametrize("content", ["", "{", "[]", '{"local": 1}', "\udcff"])
def test_a_memory_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    """A rig that was killed, or a full disk, keeps no verb from working; the next one writes it anew."""
    file = tmp_path / ".local" / "clusters.json"
    file.parent.mkdir()
    file.write_bytes(content.encode(errors="surrogateescape"))
    assert settings.read([]) == Settings()
    remember(settings.read(["UI_PORT=8090", "RUNTIME=local"]))
    assert settings.read([]).ui_port == 8090
    assert list(file.parent.iterdir()) == [file]


def test_a_memory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Only where there is something to write: what was never up is forgotten without it."""
    (tmp_path / ".local").touch()
    memory.forget("local", settings.PROJECT)
    with pytest.raises(UsageError, match=r"^\.local cannot be written to: File exists"):
        remember(settings.read(["RUNTIME=local"]))
