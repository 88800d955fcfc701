"""Reports contain plotly's basic bundle, unchanged."""

from __future__ import annotations

import hashlib

from stampede.report.page import PLOTLY

SHA256 = "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"


def test_the_bundle_is_that_of_the_package() -> None:
    assert hashlib.sha256(PLOTLY.read_bytes()).hexdigest() == SHA256


def test_the_bundle_has_its_licence_and_its_version() -> None:
    folder = PLOTLY.parent
    assert (folder / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    version = PLOTLY.read_text(encoding="utf-8").partition("\n")[2].partition("\n")[0].rpartition(" v")[2]
    assert f"version {version} of" in (folder / "README.md").read_text(encoding="utf-8")
