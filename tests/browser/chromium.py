"""The Chromium of this machine. `python -m tests.browser.chromium` prints its path, or exits with 1."""

from __future__ import annotations

import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")

MISSING = "no Chromium here, so the tests in tests/browser are skipped: install chromium or google-chrome"
"""The only reason for which CI may skip a test: see tests/conftest.py."""


def find() -> str | None:
    """The path of the first one that starts: Ubuntu's chromium-browser may be a script without a browser."""
    return next((path for path in map(shutil.which, NAMES) if path and _starts(path)), None)


def _starts(path: str) -> bool:
    return subprocess.run([path, "--version"], capture_output=True).returncode == 0


if __name__ == "__main__":
    found = find()
    print(found or MISSING)
    sys.exit(not found)
