"""``python -m tests.security``: run the tests of all protections.

``python -m tests.security removed [NAME …]`` takes each protection out of a copy of the project: its tests
must fail. ``python -m tests.security page`` writes the table of docs/security.md.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.checkout import copied_project
from tests.security.catalogue import HEAD, ROOT, Protection, RemovalError, read

TIMEOUT = 300.0
"""Seconds for the tests of a protection."""


def main(arguments: list[str]) -> int:
    """Return 0 where all is as it must be, else 1."""
    protections = read()
    if arguments[:1] == ["removed"]:
        chosen = [each for each in protections if not arguments[1:] or each.name in arguments[1:]]
        return max(0, *(_without(protection) for protection in chosen))
    if arguments == ["page"]:
        page = ROOT / "docs" / "security.md"
        page.write_text(
            page.read_text().partition(HEAD)[0] + HEAD + "".join(f"{each.row}\n" for each in protections)
        )
        return 0
    tests = sorted({test for protection in protections for test in protection.tests})
    return _pytest(ROOT, *tests).returncode


def _without(protection: Protection) -> int:
    """Take a protection out, and run its tests. Return 0 where each of them fails, else 1."""
    with copied_project() as checkout:
        try:
            protection.removed.apply(checkout.folder)
            # Tests of the cluster copy the project once more, and ask git for its files.
            subprocess.run(["git", "init", "--quiet"], cwd=checkout.folder, check=True)
        except RemovalError as error:
            print(f"{protection.name:24} {error}", flush=True)
            return 1
        survived = [test for test in protection.tests if not _fails(checkout.folder, test)]
    result = f"NOT noticed by {', '.join(survived)}" if survived else "noticed"
    print(f"{protection.name:24} {result}", flush=True)
    return bool(survived)


def _fails(folder: Path, test: str) -> bool:
    """Return whether a test fails, and does not only find nothing to test. Of a file, one of its tests.

    One that waits until TIMEOUT fails, too.
    """
    try:
        said = _pytest(folder, test, "--quiet", "--exitfirst", is_quiet=True).stdout.decode()
    except subprocess.TimeoutExpired:
        return True
    return re.search(r"^\d+ failed", said.splitlines()[-1]) is not None


def _pytest(folder: Path, *arguments: str, is_quiet: bool = False) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pytest", "-m", "long or not long", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=is_quiet, timeout=None if not is_quiet else TIMEOUT
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
