"""Files of other projects that are part of this one: they are unchanged, and have their licences."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.notices import RULE

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "api/docs", ROOT / "stampede/report/plotly")
OURS = ("README.md", "*.html", "*.LICENSE.txt")
ROW = re.compile(r"\| `(.+)` \| (\S+) (\d\S+) \| `([0-9a-f]{64})` \|")
NOTICE = re.compile(r"@?[a-z]\S* \d\S* \((.+)\)")
"""The line of a package above its licence."""
LICENCES = {
    *("MIT", "ISC", "Zlib", "0BSD", "BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "Unlicense"),
    *("(MIT AND BSD-3-Clause)", "(MPL-2.0 OR Apache-2.0)"),
    "as follows",  # the package has the text only; here it is that of MIT
}
"""All of them allow what this project does with the files, where their text is there."""


@dataclass(frozen=True)
class Bundled:
    """A row of a README."""

    file: Path
    package: str
    version: str
    sha256: str

    @property
    def notices(self) -> Path:
        return self.file.with_name(f"{self.file.name}.LICENSE.txt")


BUNDLED = [
    Bundled(folder / name, package, version, sha256)
    for folder in FOLDERS
    for name, package, version, sha256 in ROW.findall((folder / "README.md").read_text())
]
SCRIPTS = [each for each in BUNDLED if each.file.suffix == ".js"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_file_has_its_origin(folder: Path) -> None:
    theirs = {path for path in folder.iterdir() if not any(path.match(name) for name in OURS)}
    assert {each.file for each in BUNDLED if each.file.parent == folder} == theirs


@pytest.mark.parametrize("bundled", BUNDLED, ids=lambda each: each.file.name)
def test_a_file_is_that_of_its_package(bundled: Bundled) -> None:
    """A script that is changed by a single line can stop working, or work for somebody else."""
    assert hashlib.sha256(bundled.file.read_bytes()).hexdigest() == bundled.sha256


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda each: each.file.name)
def test_the_version_is_the_one_that_a_script_states(script: Bundled) -> None:
    """And the one whose licences are next to it."""
    text = script.file.read_text(encoding="utf-8")
    assert re.search(rf"\bv{script.version}\b|\"{script.version}\"", text)
    assert f"\n{script.package} {script.version} (" in script.notices.read_text(encoding="utf-8")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda each: each.file.name)
def test_each_package_in_a_script_has_its_licence(script: Bundled) -> None:
    _, *parts = script.notices.read_text(encoding="utf-8").split(f"{RULE}\n")
    assert len(parts) > 10
    for part in parts:
        packages, _, text = part.partition("\n\n")
        licences = [NOTICE.fullmatch(line) for line in packages.splitlines()]
        assert all(licence and licence[1] in LICENCES for licence in licences), packages
        assert len(text.strip()) > 30, packages
