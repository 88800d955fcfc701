"""A skipped test is a failure in CI, unless the machine has no Chromium."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser import chromium


@pytest.mark.parametrize(("reason", "code"), [(chromium.MISSING, 0), ("some reason", 1)])
def test_ci_skips_only_what_needs_chromium(tmp_path: Path, reason: str, code: int) -> None:
    (tmp_path / "test_it.py").write_text(
        f"import pytest\ndef test_skipped(): pytest.skip({reason!r})\ndef test_passed(): pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", f"--rootdir={tmp_path}", str(tmp_path)]
    done = subprocess.run(command, env={**os.environ, "CI": "true"}, capture_output=True, text=True)
    assert done.returncode == code, done.stdout
    assert "1 passed, 1 skipped" in done.stdout


def test_a_chromium_that_does_not_start_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ubuntu's chromium-browser asks to install a snap."""
    for name, code in (("chromium-browser", 1), ("google-chrome", 0)):
        script = tmp_path / name
        script.write_text(f"#!/bin/sh\nexit {code}\n")
        script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium.find() == str(tmp_path / "google-chrome")
    (tmp_path / "google-chrome").unlink()
    assert chromium.find() is None
