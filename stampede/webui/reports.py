"""The reports of all runs, listed and to be fetched.

=============================================  ================================================
``GET /stampede/reports``                      the page that lists them, newest first
``GET /stampede/reports/<id>/<file>``          one file of a run, shown in the browser
``GET /stampede/results/<id>.tar.gz``          all of them
=============================================  ================================================
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import msgspec
from flask import Blueprint, Response, abort, render_template, send_from_directory
from locust.web import WebUI

from stampede.facts.verdict import Judgement

LISTED = {
    "report.html": "report",
    "summary.md": "summary",
    "verdict.json": "verdict",
    "locust.html": "Locust's report",
}
"""What the page links to, and what it is called there; the report itself links to the rest."""

AS_TEXT = {".md", ".json", ".csv", ".xml"}
"""Read in the browser, not downloaded."""


def add(pages: Blueprint, web_ui: WebUI, results: Path) -> None:
    """Add the routes."""

    @pages.get("/reports")
    @web_ui.auth_required_if_enabled
    def reports() -> str:
        return render_template("stampede/reports.html", runs=[summary(each) for each in folders(results)])

    @pages.get("/reports/<run_id>/<name>")
    @web_ui.auth_required_if_enabled
    def show(run_id: str, name: str) -> Response:
        folder = _folder(results, run_id)
        if name not in {file.name for file in folder.iterdir()}:
            abort(404)
        kind = "text/plain" if Path(name).suffix in AS_TEXT else None
        return send_from_directory(folder.absolute(), name, mimetype=kind)

    @pages.get("/results/<run_id>.tar.gz")
    @web_ui.auth_required_if_enabled
    def fetch(run_id: str) -> Response:
        return Response(_archive(_folder(results, run_id)), mimetype="application/gzip")


def folders(results: Path) -> list[Path]:
    """Those of all runs, newest first: their names begin with the time."""
    if not results.is_dir():
        return []
    runs = [each for each in results.iterdir() if each.is_dir() and not each.is_symlink()]
    return sorted((each for each in runs if (each / "run.json").exists()), reverse=True)


def _folder(results: Path, run_id: str) -> Path:
    """One of those that are there: no name leads out of them."""
    by_name = {folder.name: folder for folder in folders(results)}
    return by_name.get(run_id) or abort(404)


def summary(folder: Path) -> dict[str, Any]:
    """A line of the list. What an older version has not written, or nobody can read, is None."""
    try:
        content = (folder / "verdict.json").read_bytes()
        judged: Judgement | None = msgspec.json.decode(content, type=Judgement)
    except (OSError, ValueError):
        judged = None
    files = {name: title for name, title in LISTED.items() if (folder / name).exists()}
    return {"id": folder.name, "judged": judged, "files": files}


def _archive(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    return buffer.getvalue()
