"""The secrets of the containers: random, complete, kept, and each where it is needed only."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

COMPOSE = yaml.safe_load(Path("docker-compose.yml").read_text())
SECRET = re.compile("[0-9a-f]{64}")
READERS = {"api-secrets": {"postgres", "api"}, "auditor-secrets": {"postgres", "master"}}
"""By volume: the services that read it."""


def write(*files: Path) -> None:
    """Run the service's script."""
    subprocess.run(["sh", "secrets/write.sh", *files], check=True, timeout=30)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    files = [tmp_path / role / "password" for role in ("api", "auditor")]
    for file in files:
        file.parent.mkdir()
    return files


def test_each_file_gets_a_secret_of_its_own(files: list[Path]) -> None:
    """Other users may read it, as its volume is the limit; only its owner may change it."""
    write(*files)
    first, second = (file.read_text() for file in files)
    assert SECRET.fullmatch(first)
    assert SECRET.fullmatch(second)
    assert first != second
    assert {file.stat().st_mode & 0o777 for file in files} == {0o644}
    assert all(list(file.parent.iterdir()) == [file] for file in files)


def test_a_secret_is_kept(files: list[Path]) -> None:
    """Containers that run have read it. A new file gets its secret."""
    write(files[0])
    before = files[0].read_text()
    write(*files)
    assert files[0].read_text() == before
    assert SECRET.fullmatch(files[1].read_text())


def test_an_interrupted_start_leaves_no_half_of_a_secret(files: list[Path]) -> None:
    """As where the disk was full: an empty file, or one that was not renamed yet."""
    files[0].touch()
    files[1].with_name("password.new").write_text("half")
    write(*files)
    assert all(SECRET.fullmatch(file.read_text()) for file in files)
    assert all(list(file.parent.iterdir()) == [file] for file in files)


def mounts(volume: str) -> dict[str, str]:
    """How each service mounts a volume: the part after the volume's name."""
    found = {}
    for name, service in COMPOSE["services"].items():
        for mount in service.get("volumes", []):
            if isinstance(mount, str) and mount.startswith(f"{volume}:"):
                found[name] = mount.removeprefix(f"{volume}:")
    return found


@pytest.mark.parametrize("volume", [name for name in COMPOSE["volumes"] if name.endswith("-secrets")])
def test_a_volume_of_secrets_is_mounted_where_it_is_needed(volume: str) -> None:
    """To be read; one service writes it, and each reader waits until it has ended."""
    found = mounts(volume)
    assert found.pop("secrets") == f"/secrets/{volume.removesuffix('-secrets')}"
    assert found.keys() == READERS[volume]
    assert all(mount.endswith(":ro") for mount in found.values())
    for reader in found:
        needed = COMPOSE["services"][reader]["depends_on"]["secrets"]
        assert needed == {"condition": "service_completed_successfully"}


def test_no_service_has_a_password_in_its_environment() -> None:
    """But that of the UI, which a user sets; the others are files."""
    for name, service in COMPOSE["services"].items():
        passwords = {key for key in service.get("environment", {}) if "PASSWORD" in key}
        assert {key for key in passwords if not key.endswith("_FILE")} <= {"UI_PASSWORD"}, name
