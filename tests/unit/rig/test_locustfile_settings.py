"""The settings for a custom locustfile: each value is read, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from stampede.rig import UsageError, settings
from tests.unit.bare import bare_environment, remember  # noqa: F401


@pytest.mark.parametrize("given", ["read write", "read,write", " read, write "])
def test_tags_are_separated_by_spaces_or_commas(given: str) -> None:
    asked = settings.read([f"TAGS={given}", f"EXCLUDE_TAGS={given}"])
    assert (asked.tags, asked.exclude_tags) == ("read write", "read write")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("TAGS=--headless", "TAGS: '--headless' is not a tag: a tag cannot begin with '-'"),
        ("LOCUST_ARGS=--name 'Ada", "LOCUST_ARGS: a quote is not closed"),
        ("LOCUST_ARGS=--name \\", r"LOCUST_ARGS: a backslash is the last character"),
        ("PROBE=maybe", "PROBE must be yes or no, not 'maybe'"),
    ],
)
def test_a_wrong_value_is_refused(setting: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        settings.read([setting])
    assert str(refused.value) == message.replace(r"\\", "\\")


def test_a_comma_in_the_name_of_the_locustfile_is_refused(tmp_path: Path) -> None:
    """Locust takes it for two files. In the name of a folder it does no harm."""
    (tmp_path / "a,b").mkdir()
    (tmp_path / "a,b" / "users.py").touch()
    (tmp_path / "a,b" / "us,ers.py").touch()
    assert settings.read([f"LOCUSTFILE={tmp_path}/a,b/users.py"]).locustfile
    with pytest.raises(UsageError, match=r"'us,ers\.py' has a comma in its name"):
        settings.read([f"LOCUSTFILE={tmp_path}/a,b/us,ers.py"])


def test_they_are_remembered_while_the_cluster_is_up(tmp_path: Path) -> None:
    """Only PROBE belongs to a run."""
    (tmp_path / "shop.env").touch()
    given = ["TAGS=read", "EXCLUDE_TAGS=slow", "LOCUST_ARGS=--wallet 7", f"ENV_FILE={tmp_path}/shop.env"]
    up = settings.read([*given, "RUNTIME=local"])
    remember(settings.read([*given, "RUNTIME=local", "PROBE=no"]))
    assert settings.read([]) == up
