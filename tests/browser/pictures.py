"""Pictures of the UI. With `UPDATE_SCREENSHOTS=1` one of them becomes the README's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "results" / "screenshots"
README_PICTURE = ROOT / "docs" / "ui.png"

FOR_THE_README = bool(os.environ.get("UPDATE_SCREENSHOTS"))


def keep(page: Page, name: str) -> None:
    """Keep a picture of what is on the page now."""
    KEPT.mkdir(parents=True, exist_ok=True)
    picture = KEPT / f"{name}.png"
    page.screenshot(path=picture)
    if FOR_THE_README and name == "charts":
        README_PICTURE.parent.mkdir(exist_ok=True)
        shutil.copy(picture, README_PICTURE)
