"""The list of all finished runs, and the files of each.

=============================================  ================================================
``GET /stampede/reports``                      the page that lists them, newest first
``GET /stampede/reports/<id>/<file>``          one file of a run, shown in the browser
``GET /stampede/results/<id>.tar.gz``          all files of a run
=============================================  ================================================
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from flask import Blueprint, Response, abort, render_template, send_from_directory
from locust.web import WebUI

from stampede.facts.verdict_json import Judgement
from stampede.webui.archive import archive

LISTED = {
    "report.html": "report",
    "summary.md": "summary",
    "verdict.json": "verdict",
    "locust.html": "Locust's report",
}
"""The files that the page links to, with the text of the link; the report links to the rest."""

AS_TEXT = {".md", ".json", ".csv", ".xml"}
"""The file types that are shown in the browser, not downloaded."""


def add(pages: Blueprint, web_ui: WebUI, results: Path) -> None:
    """Add the routes to the blueprint."""

    @pages.get("/reports")
    @web_ui.auth_required_if_enabled
    def reports() -> str:
        return render_template("stampede/reports.html", runs=[summary(folder) for folder in folders(results)])

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
        return Response(archive(_folder(results, run_id)), mimetype="application/gzip")


def folders(results: Path) -> list[Path]:
    """Return the folders of all finished runs, newest first: their names begin with the time."""
    if not results.is_dir():
        return []
    runs = [path for path in results.iterdir() if path.is_dir() and not path.is_symlink()]
    return sorted((run for run in runs if (run / "run.json").exists()), reverse=True)


def _folder(results: Path, run_id: str) -> Path:
    """Return the folder of a run, or answer 404. Only names of `folders` match: no path leads out of them."""
    by_name = {folder.name: folder for folder in folders(results)}
    return by_name.get(run_id) or abort(404)


def summary(folder: Path) -> dict[str, Any]:
    """Return a row of the list; `judged` is None where verdict.json is missing or not readable."""
    try:
        content = (folder / "verdict.json").read_bytes()
        judged: Judgement | None = msgspec.json.decode(content, type=Judgement)
    except (OSError, ValueError):
        judged = None
    files = {name: title for name, title in LISTED.items() if (folder / name).exists()}
    return {"id": folder.name, "judged": judged, "files": files}
