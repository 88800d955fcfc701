"""What is made of run.json alone: the same whenever it is made, and nothing of it is more than text."""

from __future__ import annotations

import csv
import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from stampede.facts.figures import Failed
from stampede.facts.run_json import Audit, Facts, write
from stampede.facts.verdict_json import Judgement, Verdict
from stampede.report import compare, files, formatting
from stampede.report.charts import charts
from stampede.report.formatting import PARTS, reasons
from stampede.report.junit import junit
from stampede.report.markdown import summary
from stampede.report.page import _data, page
from stampede.report.plain_text import plain_text
from stampede.report.timeline_csv import timeline
from stampede.verdict.verdict import verdict
from tests import runs
from tests.facts import make
from tests.runs import HOSTILE

MADE = ("verdict.json", "report.html", "summary.txt", "summary.md", "junit.xml", "timeline.csv")
BEFORE = ("run.json", "locust.html")
"""What lies in the folder before."""
NOT_KNOWN: dict[str, Any] = {
    **dict.fromkeys(("profile", "host", "locustfile", "window", "pace", "audit", "counters")),
    **{name: [] for name in ("user_classes", "seconds", "events")},
    **{name: {} for name in ("outcomes", "machine", "samples", "clocks", "hub_lag")},
}
"""What a run may not know, and what stands there then."""
SCRIPT = re.compile(r"<script[^>]*>(.*?)</script>", re.DOTALL)
DATA = re.compile(r'<script type="application/json" id="figures">(.*?)</script>', re.DOTALL)


def hostile(**changes: Any) -> Facts:
    """What users have a hand in holds what could be more than text."""
    finding = {"what": HOSTILE, "at": runs.moment(runs.START).isoformat()}
    given = {
        "profile": HOSTILE,
        "host": HOSTILE,
        "locustfile": HOSTILE,
        "user_classes": [HOSTILE],
        "failures": 1,
        "outcomes": {f"GET /{HOSTILE}": {"200": 1, "0": 2}},
        "errors": [runs.error(name=HOSTILE, error=HOSTILE, sample={"body": HOSTILE, "request_id": HOSTILE})],
        "exceptions": [{"count": 1, "message": HOSTILE, "traceback": HOSTILE}],
        "events": [{"name": HOSTILE, "at": runs.START + 9, "facts": {HOSTILE: HOSTILE}}],
        "samples": {"workers": {HOSTILE: [runs.worker(place, 40) for place in range(runs.SECONDS)]}},
        "audit": {"checks": [{"name": HOSTILE, "verdict": "FAIL", "detail": HOSTILE, "first": finding}]},
    }
    return runs.run(**{**given, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a run that has left its facts, and a file of Locust's."""
    write(tmp_path, "run.json", runs.run())
    (tmp_path / "locust.html").touch()
    return tmp_path


def made(folder: Path) -> Path:
    """All that is made of its run.json; the report's path."""
    return files.write(folder, *files.judge(folder))


def left_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in MADE}


def test_made_again_it_is_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """By another process, at another time, where hashes of strings fall differently."""
    made(folder)
    first = contents(folder)
    for name in MADE:
        (folder / name).unlink()
    again = [sys.executable, "-m", "stampede", "report", str(tmp_path)]
    for seed in ("1", "2"):
        subprocess.run(again, check=True, env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo"})
        assert contents(folder) == first


def test_it_needs_neither_locust_nor_gevent(folder: Path) -> None:
    """It is made where results are, which may be no generator."""
    code = "import pathlib, sys; from stampede.report import compare, files; "
    code += "files.main(pathlib.Path(sys.argv[1])); "
    code += "assert not {'locust', 'gevent'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code, folder], check=True)


def test_where_there_is_no_run_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for content in (None, "[]", "{}", "{"):
        if content:
            (tmp_path / "run.json").write_text(content)
        assert files.main(tmp_path) == 2
        assert capsys.readouterr().err.count("\n") == 1


def own_check(**told: Any) -> Facts:
    """A run with an audit of one's own."""
    return runs.run(audit={"checks": [{"name": "mine", "verdict": "FAIL", **told}]})


@pytest.mark.parametrize(
    "run",
    [
        *(runs.run(**{name: nothing}) for name, nothing in NOT_KNOWN.items()),
        runs.run(**NOT_KNOWN),
        # a check of one's own need not say much
        own_check(),
        own_check(first={"order": 7}, worst={"orders": [7, 8]}),
        # JSON has halves of surrogates, UTF-8 has none
        own_check(detail="\ud83d", first={"what": "\ud83d"}),
        runs.run(failures=1, errors=[runs.error(name="/\ud83d", error="\ud83d", sample={"body": "\ud83d"})]),
    ],
)
def test_what_a_run_may_hold_has_a_report(folder: Path, run: Facts) -> None:
    write(folder, "run.json", run)
    assert files.main(folder) == 0
    assert left_in(folder) == {*BEFORE, *MADE}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"schema": 2}, "has schema 2, and this version of Stampede reads schema 5"),
        ({"samples": 5}, "cannot be read: Expected `object`, got `int` - at `$.samples`"),
        ({"users": None}, "cannot be read: Expected `int`, got `null` - at `$.users`"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(
    folder: Path, changes: dict[str, Any], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And leaves nothing."""
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**run, **changes}))
    assert files.main(folder) == 2
    assert capsys.readouterr().err == f"stampede: {folder / 'run.json'} {complaint}\n"
    assert not [name for name in MADE if (folder / name).exists()]


def test_figures_that_contradict_each_other_are_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No run has them: the file was edited. A comparison refuses it too."""
    run = json.loads((folder / "run.json").read_text())
    for row in run["samples"]["workers"]["1-a1b2c3"]:
        row["cpu_limit_cores"] = 0.0
    (folder / "run.json").write_text(json.dumps(run))
    assert files.main(folder) == 2
    assert compare.main(str(folder), str(folder)) == 2
    contradiction = "contradict each other: ZeroDivisionError: float division by zero"
    assert re.fullmatch(
        f"(stampede: the figures of .*/run.json {contradiction}\n){{2}}", capsys.readouterr().err
    )


def test_failed_requests_have_a_column_where_some_failed() -> None:
    """Their times are not those of answers."""
    sound = runs.run()
    failed = make(Failed, unanswered=3, p95_ms=1_234.0)
    assert sound.window is not None
    of_window = replace(sound.window.total, failures=9, failed=failed)
    route = replace(sound.window.routes[0], failures=9, failed=failed)
    broken = replace(sound, window=replace(sound.window, total=of_window, routes=[route]))
    texts = [
        text for run in (sound, broken) for text in (page(run, verdict(run), []), summary(run, verdict(run)))
    ]
    assert ["p95 of failed" in text for text in texts] == [False, False, True, True]
    assert "1,234" in texts[2]


def test_seconds_that_are_not_in_the_figures_are_mentioned() -> None:
    run = replace(runs.run(), window=replace(runs.window(), moving_seconds=4))
    for text in (page(run, verdict(run), []), summary(run, verdict(run))):
        assert "without 4 s in which workers joined or left" in text


def test_a_long_run_shows_which_points_are_of_several_seconds() -> None:
    note = "a point is of several seconds together"
    assert note not in page(runs.run(), verdict(runs.run()), [])
    long = runs.run(merged_until=runs.START + 20)
    assert f"Before {formatting.clock(runs.START + 20)}, {note}" in page(long, verdict(long), [])


def test_locusts_own_files_are_linked_where_they_are(folder: Path) -> None:
    text = made(folder).read_text()
    assert 'href="locust.html"' in text
    assert 'href="locust_stats.csv"' not in text


def test_nothing_of_a_run_gets_out_of_its_text() -> None:
    """There are three scripts, all ours, and the data still is what it was."""
    text = page(hostile(), verdict(hostile()), [])
    assert len(SCRIPT.findall(text)) == 3
    assert "<img src" not in SCRIPT.sub("", text)
    figures = json.loads(DATA.findall(text)[0])
    names = [trace["name"] for trace in figures["charts"]["cpu"]["data"]]
    assert any(name.startswith("worker &lt;/script&gt;") for name in names), "plotly reads HTML too"


def test_no_text_of_a_chart_is_html() -> None:
    """The library takes names of lines and hover texts of marks for it."""
    text = page(hostile(), verdict(hostile()), [])
    (figures,) = DATA.findall(text)
    shown = [*strings(json.loads(figures))]
    assert any("&lt;img" in each for each in shown)
    assert not [each for each in shown if "<img" in each]


def test_no_text_ends_the_script_that_has_the_data() -> None:
    """Whatever text gets into it, it comes out as it was."""
    written = _data({"name": HOSTILE, "&": "<!--"})
    assert not {*"<>&"} & {*written}
    assert json.loads(written) == {"name": HOSTILE, "&": "<!--"}


def strings(content: Any) -> Iterator[str]:
    """All texts in the data of a page."""
    match content:
        case str():
            yield content
        case dict():
            yield from (text for each in content.values() for text in strings(each))
        case list():
            yield from (text for each in content for text in strings(each))


def test_only_our_scripts_may_run_and_nothing_is_fetched() -> None:
    text = page(runs.run(), verdict(runs.run()), [])
    (policy,) = re.findall(r'"Content-Security-Policy" content="([^"]*)"', html.unescape(text))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy.split("style-src")[0]


def test_what_there_are_no_figures_for_is_not_drawn() -> None:
    """No role was sampled, and no request answered."""
    times = dict.fromkeys(("p50_ms", "p95_ms", "p99_ms", "from_start_p99_ms"))
    seconds = [replace(row, outcomes={}, **times) for row in runs.run().seconds]
    run = runs.run(seconds=seconds, samples={}, routes_over_time=None)
    assert [chart.id for chart in charts(run)] == ["throughput", "users"]
    assert "748" in page(run, verdict(run), [])
    assert timeline(run).startswith("second,users,workers,requests,failures")


def test_a_run_that_came_to_nothing_has_a_report_too() -> None:
    nothing = runs.run(window=None, seconds=[], samples={}, requests=0, outcomes={}, events=[])
    assert "has no figures per second" in page(nothing, verdict(nothing), [])
    assert summary(nothing, verdict(nothing))
    assert plain_text(nothing, verdict(nothing))
    assert timeline(nothing) == "\n"


def test_the_summary_fits_a_pull_request() -> None:
    """However much went wrong; a table's cells stay in it."""
    errors = [runs.error(name=f"{HOSTILE}{number}", occurrences=number) for number in range(99)]
    bad = hostile(errors=errors)
    assert bad.audit
    bad = replace(bad, audit=Audit(checks=bad.audit.checks * 30))
    lines = summary(bad, verdict(bad)).splitlines()
    assert len(lines) <= 60
    assert sum(map(len, lines)) < 60_000
    tables = [line for line in lines if line.startswith("|")]
    assert len(tables) == 15, "the parts, the figures, five errors"
    for line, following in pairwise(lines):
        if line in tables and following in tables:
            assert cells(line) == cells(following)


def cells(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line))


def test_the_summary_begins_with_the_verdict() -> None:
    assert summary(runs.run(), verdict(runs.run())).startswith("## 🟢 PASS")


@pytest.mark.parametrize(
    ("exit_code", "verdicts", "told"),
    [
        # a run that cannot be trusted is UNKNOWN, however slow it was
        (12, {"fast": ["FAIL", "FAIL"], "valid": ["UNKNOWN"]}, ["valid", "fast", "fast"]),
        (12, {"fast": ["FAIL"], "valid": ["UNKNOWN", "FAIL"]}, ["valid FAIL", "valid UNKNOWN", "fast"]),
        (12, {"correct": ["UNKNOWN"], "fast": ["UNKNOWN"]}, ["correct", "fast"]),
        # wrong data is wrong data, however little the run can be trusted
        (11, {"correct": ["FAIL"], "fast": ["FAIL"], "valid": ["FAIL"]}, ["correct", "fast", "valid"]),
        # what could not be decided is no reason for a FAIL
        (10, {"correct": ["UNKNOWN"], "fast": ["FAIL"]}, ["fast", "correct"]),
        (0, {}, []),
    ],
)
def test_what_decided_the_verdict_is_told_first(
    exit_code: int, verdicts: dict[str, list[str]], told: list[str]
) -> None:
    parts = {
        part: {"checks": [{"name": "a", "verdict": verdict} for verdict in verdicts.get(part, ["PASS"])]}
        for part in PARTS
    }
    judged = make(Judgement, exit_code=exit_code, **parts)
    found = [f"{part} {check.verdict}" for part, check in reasons(judged)]
    assert len(found) == len(told)
    assert all(map(str.startswith, found, told)), found


def test_the_summary_has_what_decided_the_verdict() -> None:
    """However many targets were missed in a run that is not trusted."""
    missed = [runs.target(f"p{percent}", 1.0, 9.0) for percent in range(80, 99)]
    untrusted = runs.run(targets=missed, lost_workers=["1-a1b2c3"])
    assert "- 🟡 **workers reported**" in summary(untrusted, verdict(untrusted))


def test_junit_has_a_case_for_each_check() -> None:
    """FAIL fails, UNKNOWN is an error, NOT_ASKED is skipped; what XML cannot say is left out."""
    bad = hostile()
    judged = verdict(bad)
    suites = ElementTree.fromstring(junit(bad, judged))  # noqa: S314 - our own
    checks = judged.checks
    assert len(suites.findall(".//testcase")) == len(checks) == int(suites.get("tests", 0))
    tags = {"failure": Verdict.FAIL, "error": Verdict.UNKNOWN, "skipped": Verdict.NOT_ASKED}
    for tag, of in tags.items():
        assert len(suites.findall(f".//{tag}")) == [check.verdict for check in checks].count(of)


COUNTS = {"name", "time", "tests", "failures", "errors"}
JUNIT_10 = {
    "testsuites": COUNTS,
    "testsuite": COUNTS
    | {"group", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
    "testcase": {"name", "time", "classname", "group"},
    **{tag: {"type", "message"} for tag in ("failure", "error", "skipped")},
    "system-out": set(),
}
"""The elements and their attributes that Jenkins' junit-10.xsd allows, as far as we write them."""


@pytest.mark.parametrize("run", [runs.run(), hostile(), runs.run(window=None, failures=1)])
def test_jenkins_accepts_junit(run: Facts) -> None:
    """It refuses the file for an attribute that it does not know."""
    suites = ElementTree.fromstring(junit(run, verdict(run)))  # noqa: S314 - our own
    for element in suites.iter():
        assert {*element.keys()} <= JUNIT_10[element.tag], element.tag
        assert re.fullmatch(r"\d*(\.\d*)?", element.get("time", ""))
    for suite in suites:
        assert {"name", "tests", "failures", "errors"} <= {*suite.keys()}


def test_the_timeline_has_a_row_a_second_of_numbers() -> None:
    """What a spreadsheet would calculate is none."""
    rows = list(csv.DictReader(timeline(hostile()).splitlines()))
    assert len(rows) == runs.SECONDS
    assert all(re.fullmatch(r"-?\d*(\.\d+)?", cell) for row in rows for cell in row.values())
    assert rows[20]["requests"] == str(runs.second(20).requests)


def test_the_timeline_has_numbers_only() -> None:
    """Also in its head: a spreadsheet runs text that begins with `=`."""
    odd = replace(runs.second(20), outcomes={"=1+1": 2, "200": 3})
    head, *rows = csv.reader(timeline(runs.run(seconds=[odd])).splitlines())
    assert all(re.fullmatch(r"\w+", name) for name in head), head
    assert all(re.fullmatch(r"-?\d*(\.\d+)?", cell) for row in rows for cell in row)


def test_the_timeline_has_what_each_role_used() -> None:
    (row,) = [
        row for row in csv.DictReader(timeline(runs.run()).splitlines()) if row["second"].endswith("640")
    ]
    assert float(row["api_cpu_percent"]) == pytest.approx(runs.api(20).cpu_percent, abs=0.01)
    assert row["connections_idle"] == "13"
    assert row["status_409"] == "11"
    assert float(row["workers_cpu_percent_max"]) > float(row["workers_cpu_percent_mean"])


def test_a_report_replaces_the_one_before(folder: Path) -> None:
    """And leaves nothing half written beside it."""
    made(folder)
    first = contents(folder)
    for name in MADE:
        (folder / name).write_text("of before")
    made(folder)
    assert contents(folder) == first
    assert left_in(folder) == {*BEFORE, *MADE}
