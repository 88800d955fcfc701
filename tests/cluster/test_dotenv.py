"""`.env` as the rig reads it, and as Compose does: the same values, or refused by both."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stampede.rig import UsageError, dotenv
from stampede.rig.compose import Compose

VALUES = (
    *("a", "a b ", "a # c", "a#c", '"a # c" # d', "'a # c'", "", "a=b", "ü", "`x`", 'a"b"', "a\tb #c"),
    *(
        '"pa$word"',
        "pa$word",
        "'pa$word'",
        "pa$$word",
        r'"pa\$word"',
        r"pa\$word",
        "5$",
        "$1",
        "a$ b",
        "'$$'",
    ),
    *("$OUTSIDE", "${OUTSIDE}s", '"$OUTSIDE$$"', "$FIRST$FIRST", "${EMPTY}", "${NOWHERE}"),
    *("${NOWHERE:-def}", "${NOWHERE-def}", "${EMPTY:-def}", "${EMPTY-def}", "${OUTSIDE:-def}"),
    *("${FIRST:+x}", "${FIRST:+x$FIRST}", "${NOWHERE:+x}", "${EMPTY+x}", "${NOWHERE:-${OUTSIDE}}"),
    *("${NOWHERE:-a:-b}", "${FIRST:-a b}", "${NOWHERE:-a}b${FIRST}", "{$FIRST}"),
    *(r'"tab\there"', r'"a\\b"', r'"say \"hi\""', r"'a\nb'", r"'it\'s'", r'"\0101"', r'"a\qb"'),
)
REFUSED = ("${NOWHERE:?gone}", "${", "${1}", '"unclosed', "'unclosed")
ENVIRONMENT = {"OUTSIDE": "from outside", "EMPTY": ""}

pytestmark = pytest.mark.skipif(not Compose.available(), reason="no container engine answers")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "dotenv")
    (tmp_path / "docker-compose.yml").write_text("services: {nothing: {image: nothing}}\n")
    return tmp_path


def compose(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["docker", "compose", "config", "--environment"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_both_find_the_same_values(folder: Path) -> None:
    lines = [f"V{number}={value}" for number, value in enumerate(VALUES)]
    (folder / ".env").write_text("\n".join(["FIRST=1", *lines]), encoding="utf-8")
    found = compose(folder)
    assert found.returncode == 0, found.stderr
    of_compose = dict(line.partition("=")[::2] for line in found.stdout.splitlines())
    ours = dotenv.read(folder / ".env")
    assert {name: ours[name] for name in ours} == {name: of_compose.get(name) for name in ours}
    assert len(ours) == 1 + len(VALUES)


@pytest.mark.parametrize("value", REFUSED)
def test_both_refuse_the_same(folder: Path, value: str) -> None:
    (folder / ".env").write_text(f"V={value}\n")
    assert compose(folder).returncode != 0
    with pytest.raises(UsageError):
        dotenv.read(folder / ".env")
