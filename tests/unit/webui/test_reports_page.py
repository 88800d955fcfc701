"""The list of all runs, and what can be fetched of them."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest
from flask import Blueprint
from flask.testing import FlaskClient
from locust.env import Environment
from locust.web import WebUI

from stampede.facts import run_json
from stampede.facts.verdict_json import Judgement
from stampede.webui import archive, reports
from tests.facts import make

OLD, NEW = "20260101-120000-aaaa", "20260102-120000-bbbb"
FIGURES = 6
"""In a row of the list: a run's profile, users, workers, rate, requests and failures."""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two runs, the newest of them linked; beside them what is no run, and a secret outside."""
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "results"
    for run_id in (OLD, NEW):
        run = {"id": run_id, "profile": "smoke", "users": 10, "workers": 2, "rps": 151.9, "requests": 2795}
        run["started_at"] = f"{run_id[:4]}-01-01T12:00:00+00:00"
        leave(folder / run_id, run_json.encoded(make(Judgement, verdict="PASS", exit_code=0, run=run)))
        (folder / run_id / "report.html").write_text("<h1>PASS</h1>")
    (folder / "latest").symlink_to(NEW)
    (folder / "screenshots").mkdir()
    leave(folder / ".unfinished" / "local" / "20260103-120000-cccc", b"")
    return folder


@pytest.fixture
def client(results: Path) -> FlaskClient:
    """Asks Locust's own application, with our routes in it. No server runs."""
    web_ui = WebUI(Environment(), "127.0.0.1", 0, delayed_start=True)
    pages = Blueprint("stampede", "stampede.webui", url_prefix="/stampede", template_folder="pages")
    pages.add_url_rule("/charts", "charts_page")
    pages.add_url_rule("/static/<filename>", "static")
    reports.add(pages, web_ui, results)
    web_ui.app.register_blueprint(pages)
    client: FlaskClient = web_ui.app.test_client()
    return client


def leave(folder: Path, verdict: bytes) -> None:
    """What a run leaves, as far as the list needs it."""
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    (folder / "verdict.json").write_bytes(verdict)


def test_runs_are_listed_newest_first(client: FlaskClient) -> None:
    """With their verdict and figures; what is no run is not listed, nor is a run in progress."""
    page = client.get("/stampede/reports").text
    assert 0 < page.index(f'id="{NEW}"') < page.index(f'id="{OLD}"')
    assert page.count("<tr id=") == 2
    assert page.count("151.9") == 2
    assert "2026-01-01 12:00:00" in page


@pytest.mark.parametrize(
    "verdict", [b"", b"{", b"[]", b'"PASS"', b'{"verdict": "PASS"}', b'{"run": []}', b'{"run": {}}', b"\xff"]
)
def test_what_another_version_left_is_listed_all_the_same(
    client: FlaskClient, results: Path, verdict: bytes
) -> None:
    """By its name alone."""
    leave(results / "19991231-235959", verdict)
    page = client.get("/stampede/reports")
    assert page.status_code == 200
    row = page.text.partition('id="19991231-235959"')[2]
    assert row.count(">–<") == FIGURES


def test_a_run_without_a_verdict_has_none(client: FlaskClient, results: Path) -> None:
    """Somebody has deleted the file. The run is listed, and its figures are not known."""
    (results / NEW / "verdict.json").unlink()
    told = reports.summary(results / NEW)
    assert (told["judged"], told["id"]) == (None, NEW)
    row = client.get("/stampede/reports").text.partition(f'id="{NEW}"')[2].partition("</tr>")[0]
    assert row.count(">–<") == FIGURES
    assert "PASS" not in row


def test_no_results_at_all_are_an_empty_list(client: FlaskClient, results: Path) -> None:
    """A master that has just been installed has none."""
    results.rename(results.with_name("moved"))
    assert "There are no results yet" in client.get("/stampede/reports").text
    assert client.get(f"/stampede/results/{NEW}.tar.gz").status_code == 404


def test_a_report_is_shown_in_the_browser(client: FlaskClient) -> None:
    """It is not downloaded."""
    with client.get(f"/stampede/reports/{NEW}/report.html") as answer:
        assert (answer.data, answer.mimetype) == (b"<h1>PASS</h1>", "text/html")
        assert "attachment" not in answer.headers.get("Content-Disposition", "")


def test_all_files_of_a_run_are_one_archive(client: FlaskClient) -> None:
    """Named as the run."""
    with tarfile.open(fileobj=io.BytesIO(client.get(f"/stampede/results/{NEW}.tar.gz").data)) as archive:
        assert f"{NEW}/report.html" in archive.getnames()


@pytest.mark.parametrize(
    "path",
    [
        "reports/../secret.txt",
        "reports/..%2f..%2fsecret.txt",
        "reports/%2e%2e/secret.txt",
        f"reports/{NEW}/../../secret.txt",
        f"reports/{NEW}/..%2f..%2fsecret.txt",
        f"reports/{NEW}/nothing.html",
        "reports/latest/report.html",
        "reports/screenshots/report.html",
        "results/...tar.gz",
        "results/..%2fresults.tar.gz",
        "results/latest.tar.gz",
        "results/screenshots.tar.gz",
        "results/.tar.gz",
    ],
)
def test_no_path_leads_out_of_the_runs(client: FlaskClient, path: str) -> None:
    """Neither up, nor through a link, nor to what is no run."""
    assert client.get(f"/stampede/{path}").status_code == 404


def test_an_archive_has_all_members_and_follows_no_link(results: Path) -> None:
    """Folders, empty files, a name that is not ASCII, and a file of several blocks; a link stays a link."""
    folder = results / NEW
    (folder / "Ünicode").mkdir()
    (folder / "Ünicode" / ("x" * 150)).write_bytes(b"abc" * archive.BLOCK)
    (folder / "empty").touch()
    (folder / "link").symlink_to("../../secret.txt")
    content = io.BytesIO(b"".join(archive.archive(folder)))
    with tarfile.open(fileobj=content) as members:
        assert sorted(members.getnames()) == sorted(
            str(path.relative_to(results)) for path in (folder, *folder.rglob("*"))
        )
        long = members.extractfile(f"{NEW}/Ünicode/{'x' * 150}")
        assert long
        assert long.read() == b"abc" * archive.BLOCK
        link = members.getmember(f"{NEW}/link")
        assert (link.issym(), link.linkname) == (True, "../../secret.txt")


def test_an_archive_of_a_run_that_is_removed_ends_early(
    results: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It cannot be taken for a whole one; the log has one line."""
    (results / NEW / "a").write_bytes(os.urandom(4 * archive.BLOCK))
    blocks = archive.archive(results / NEW)
    begun = [next(blocks), next(blocks)]
    shutil.rmtree(results / NEW)
    content = io.BytesIO(b"".join([*begun, *blocks]))
    with pytest.raises(EOFError), tarfile.open(fileobj=content, mode="r:gz") as members:
        members.getmembers()
    (record,) = caplog.records
    assert record.message.startswith(f"stampede: the archive of {NEW} is incomplete: ")
