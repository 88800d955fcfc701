"""The files that are made from a run's ``run.json`` alone. Made again, they have the same bytes.

``python -m stampede report RESULTS_FOLDER``. Needs neither Locust nor gevent.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from stampede.report.junit import junit
from stampede.report.page import page
from stampede.report.summary import summary
from stampede.report.timeline import timeline
from stampede.verdict.verdict import verdict

LOCUSTS_FILES = (
    "locust.html",
    *(f"locust_{name}.csv" for name in ("stats", "stats_history", "failures", "exceptions")),
)


NULL_IS_NOTHING = frozenset(("events", "lost_workers", "promises", "races", "seconds", "targets"))
"""What a run may not know; elsewhere a null says something."""


def read(folder: Path) -> dict[str, Any]:
    """The folder's ``run.json``. Raises OSError, and ValueError where it is none."""
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    if not isinstance(run, dict):
        raise ValueError("its run.json is no object")
    return {name: fact for name, fact in run.items() if fact is not None or name not in NULL_IS_NOTHING}


def write(folder: Path) -> Path:
    """Make all again from the folder's ``run.json``; returns the report's path.

    Raises OSError where files cannot be read or written, LookupError where run.json does not say what every
    run says, ValueError, TypeError and AttributeError where it is none.
    """
    run = read(folder)
    judged = verdict(run)
    beside = [name for name in LOCUSTS_FILES if (folder / name).exists()]
    texts = {
        "verdict.json": json.dumps(judged, indent=2) + "\n",
        "report.html": page(run, judged, beside),
        "summary.md": summary(run, judged),
        "junit.xml": junit(run, judged),
        "timeline.csv": timeline(run),
    }
    for name, text in texts.items():
        begun = folder / f"{name}.part"  # whoever looks meanwhile sees the old one or the new
        # "replace": half a surrogate can stand in JSON, and has no bytes
        begun.write_text(text, encoding="utf-8", errors="replace", newline="\n")
        begun.replace(folder / name)
    return folder / "report.html"


def main(folder: Path) -> int:
    """The command. Returns its exit code: 2 where there is no such run."""
    try:
        print(write(folder))
    except LookupError as error:
        why = f"{folder}: its run.json does not say {error}: it is of another version"
    except (OSError, ValueError) as error:
        why = f"{folder} is no folder of a run: {error}"
    except (TypeError, AttributeError) as error:
        why = f"{folder}: its run.json cannot be read: {error}"
    else:
        return 0
    print(f"stampede: {why}", file=sys.stderr)
    return 2
