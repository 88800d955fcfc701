"""The protections in protections.toml: what each protects, the tests that show it, and how to take it out."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAD = "| protected | against | how | tests |\n|---|---|---|---|\n"
"""The head of the table in docs/security.md."""

FILE = Path(__file__).with_name("protections.toml")


class RemovalError(Exception):
    """The code that takes a protection out does not match. The message says where."""


@dataclass(frozen=True, slots=True)
class Removal:
    """The text of a file that is the protection, and what is there without it."""

    file: Path
    old: str
    new: str

    def apply(self, folder: Path) -> None:
        """Take it out of the project in a folder. Raises RemovalError unless its text is there once."""
        file = folder / self.file
        text = file.read_text()
        if text.count(self.old) != 1:
            raise RemovalError(f"{self.file} has {text.count(self.old)} times, not once: {self.old!r}")
        file.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True, slots=True)
class Protection:
    """A row of docs/security.md."""

    name: str
    asset: str
    attacker: str
    by: str
    tests: tuple[str, ...]
    """As pytest takes them: `tests/unit/test_x.py::test_y`."""
    removed: Removal

    @property
    def row(self) -> str:
        """Return the row in Markdown."""
        tests = ", ".join(f"[{_test_name(test)}](../{test.partition('::')[0]})" for test in self.tests)
        return f"| {self.asset} | {self.attacker} | {self.by} | {tests} |"


def _test_name(test: str) -> str:
    file, _, function = test.partition("::")
    return f"`{function or Path(file).name}`"


def read() -> list[Protection]:
    """Return all protections, in their order."""
    return [
        Protection(
            **{**entry, "tests": tuple(entry["tests"])},
            removed=Removal(Path(removed["file"]), removed["old"], removed["new"]),
        )
        for entry in tomllib.loads(FILE.read_text())["protection"]
        if (removed := entry.pop("removed"))
    ]
