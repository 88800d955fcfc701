"""Writes the files that are made from ``run.json`` alone. Written again, they have the same bytes.

``python -m stampede report RESULTS_FOLDER``. Needs no Locust and no gevent.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stampede.facts.run_json import Facts, FactsError, figures_of, read
from stampede.facts.run_json import write as write_json
from stampede.facts.verdict_json import Judgement
from stampede.report.junit import junit
from stampede.report.markdown import summary
from stampede.report.page import page
from stampede.report.plain_text import plain_text
from stampede.report.timeline_csv import timeline
from stampede.verdict.verdict import verdict

LOCUST_FILES = (
    "locust.html",
    *(f"locust_{name}.csv" for name in ("stats", "stats_history", "failures", "exceptions")),
)


def judge(folder: Path) -> tuple[Facts, Judgement]:
    """Write ``verdict.json`` from the folder's ``run.json``; return both. Raises FactsError and OSError."""
    run = read(folder)
    judged = verdict(run)
    write_json(folder, "verdict.json", judged)
    return run, judged


def write(folder: Path, run: Facts, judged: Judgement) -> Path:
    """Write all reports for people and for programs; return the path of ``report.html``. Raises OSError."""
    locust_files = [name for name in LOCUST_FILES if (folder / name).exists()]
    texts = {
        "report.html": page(run, judged, locust_files),
        "summary.txt": plain_text(run, judged),
        "summary.md": summary(run, judged),
        "junit.xml": junit(run, judged),
        "timeline.csv": timeline(run),
    }
    for name, text in texts.items():
        part = folder / f"{name}.part"  # renamed when complete: a reader sees the old file or the new one
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(folder / name)
    return folder / "report.html"


def main(folder: Path) -> int:
    """Run the command. Returns its exit code: 2 where the run cannot be read or the files not written."""
    try:
        with figures_of(folder):
            report = write(folder, *judge(folder))
        print(report)
    except (FactsError, OSError) as error:
        print(f"stampede: {error}", file=sys.stderr)
        return 2
    return 0
