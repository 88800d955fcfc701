"""`python -m tests.notices` prints the licences of npm packages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.notices import RULE, main


def package(folder: Path, name: str, version: str, **files: str) -> None:
    """Write a package as npm installs it; `author` goes into its package.json."""
    (folder / name).mkdir(parents=True)
    about = {"name": name, "version": version, "license": "MIT", "author": {"name": "Ada"}}
    (folder / name / "package.json").write_text(json.dumps(about))
    for file, text in files.items():
        (folder / name / file).write_text(f"{text}\n")


def test_packages_with_one_text_share_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each version is one of them; a notice is part of the text; without a text there is the author."""
    package(tmp_path, "one", "1.0.0", LICENSE="Do what you like.", NOTICE="One by Ada.")
    package(tmp_path, "two", "1.0.0", licence="Do nothing.")
    package(tmp_path / "one" / "node_modules", "two", "2.0.0", LICENCE="Do nothing.")
    package(tmp_path, "three", "3.0.0", index="no licence")
    assert main([str(tmp_path), "two", "one", "three"]) == 0
    parts = capsys.readouterr().out.split(f"{RULE}\n")
    assert parts == [
        "",
        "one 1.0.0 (MIT)\n\nDo what you like.\n\nOne by Ada.\n\n",
        "three 3.0.0 (MIT)\n\nThe package has no file with its licence. Its author: Ada\n\n",
        "two 1.0.0 (MIT)\ntwo 2.0.0 (MIT)\n\nDo nothing.\n\n",
    ]


def test_a_package_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="has no package four: install it first"):
        main([str(tmp_path), "four"])
