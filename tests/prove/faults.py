"""The planted faults: each one is a change of the shop's SQL, with the checks that must see it.

``planted/NAME.patch`` changes functions in postgres/. It begins with a description of the mistake and
``caught by: CHECK, …``; ``then: kill postgres`` may follow. ``planted/NAME.sql`` has further statements, with
or without a patch. Without a patch, its comments begin with these lines.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.checkout import ROOT

FOLDER = Path(__file__).resolve().parent / "planted"
KILL_POSTGRES = "kill postgres"

FUNCTION = re.compile(r"^CREATE (FUNCTION (\w+)\(.*?^(?:\$\$|END|\));)$", re.DOTALL | re.MULTILINE)
"""A function as the files in postgres/ define it, and its name."""


class FaultError(Exception):
    """A fault that cannot be planted; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake that a developer could make."""

    name: str
    files: tuple[Path, ...]
    """Its patch, its statements, or both."""
    mistake: str
    caught_by: frozenset[str]
    """Names of the checks that must turn red."""
    kills_postgres: bool
    """Whether PostgreSQL dies in the middle of the run."""

    def sql(self) -> str:
        """Return the statements that plant it. Raises FaultError where the patch does not apply any more."""
        return "\n".join(
            text
            for file in self.files
            for text in (patched(file) if file.suffix == ".patch" else [file.read_text()])
        )


def patched(patch: Path) -> Iterator[str]:
    """Yield the functions of postgres/ that a patch changes, as they are then. Raises FaultError."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "postgres", Path(folder) / "postgres")
        done = subprocess.run(["git", "apply", patch], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            complaint = done.stderr.strip().splitlines()[0]
            raise FaultError(f"{patch.name} does not apply to the current functions: {complaint}")
        for name in re.findall(r"^\+\+\+ b/(\S+)$", patch.read_text(), re.MULTILINE):
            real = {text for text, _name in FUNCTION.findall((ROOT / name).read_text())}
            for text, _name in FUNCTION.findall((Path(folder) / name).read_text()):
                if text not in real:
                    yield f"CREATE OR REPLACE {text}\n"


def choose(names: Sequence[str], others: Iterable[str] = ()) -> list[Fault]:
    """Return the faults of these names, or all. Raises FaultError, which lists them and the `others`."""
    all_names = sorted({file.stem for file in FOLDER.iterdir()})
    for name in names:
        if name not in all_names:
            raise FaultError(f"there is no fault '{name}': use one of {', '.join([*all_names, *others])}")
    return [read(FOLDER, name) for name in all_names if not names or name in names]


def read(folder: Path, name: str) -> Fault:
    """Return the fault of that name. Raises FaultError."""
    files = tuple(file for suffix in ("patch", "sql") if (file := folder / f"{name}.{suffix}").exists())
    head = [line.removeprefix("--").strip() for line in _head(files[0])]
    said = dict(line.split(": ", 1) for line in head if line.startswith(("caught by: ", "then: ")))
    mistake = " ".join(line for line in head if not line.startswith(("caught by:", "then:")))
    caught_by = frozenset(name.strip() for name in said.get("caught by", "").split(",") if name.strip())
    if not mistake or not caught_by or said.get("then", KILL_POSTGRES) != KILL_POSTGRES:
        raise FaultError(
            f"{files[0].name} must begin with a sentence and 'caught by: CHECK, …', and may have "
            f"'then: {KILL_POSTGRES}'"
        )
    return Fault(name, files, mistake, caught_by, "then" in said)


def _head(file: Path) -> list[str]:
    """The lines before a patch's changes, or the comments at the top of statements."""
    lines = file.read_text().splitlines()
    if file.suffix == ".patch":
        return [line for line in lines[: lines.index("")] if not line.startswith("--- ")]
    return lines[: next((place for place, line in enumerate(lines) if not line.startswith("--")), len(lines))]
