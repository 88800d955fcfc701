"""``report.html``: one file that opens anywhere, without a network. Pure but for the files it is made of.

What users could have a hand in (routes, errors, answers) is text there: escaped by the template, and in the
script's data. Only our own two scripts may run, by their hashes, and nothing may be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stampede.facts.run import Facts
from stampede.facts.verdict import Judgement
from stampede.report import formatting, tables
from stampede.report.annotations import MOST_MARKS
from stampede.report.charts import charts
from stampede.report.hints import look_here

OWN = files("stampede.report")

FOR_SCRIPTS = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
"""So that no text in the data ends the script it stands in."""


def page(run: Facts, judged: Judgement, beside: list[str]) -> str:
    """`beside` are names of files in the same folder, to be linked."""
    drawn = charts(run)
    return _render(
        "page.html",
        **{
            "run": run,
            "judged": judged,
            "beside": beside,
            "charts": drawn,
            "formatting": formatting,
            "tables": tables,
        },
        reasons=[(part, check, look_here(run, part, check)) for part, check in formatting.reasons(judged)],
        most_marks=MOST_MARKS,
        figures_json=_data({chart.id: chart.figure for chart in drawn}),
        **_parts(),
    )


def comparison(
    runs: Sequence[Facts], judged: Sequence[Judgement], differences: Sequence[Any], rows: Sequence[Any]
) -> str:
    """The page of two runs side by side: rows and differences of stampede.report.compare."""
    return _render(
        "comparison.html",
        style=_style(),
        **{
            "runs": runs,
            "judged": judged,
            "differences": differences,
            "rows": rows,
            "formatting": formatting,
        },
    )


def _data(content: dict[str, Any]) -> Markup:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Markup(text.translate(FOR_SCRIPTS))  # noqa: S704 - it has no < left


@cache
def _parts() -> dict[str, Any]:
    """Our own, and plotly's, which stand in the page as they are."""
    script = "".join((OWN / name).read_text(encoding="utf-8") for name in ("drawing.js", "page.js"))
    plotly = (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    return {
        "style": _style(),
        "script": Markup(script),  # noqa: S704
        "plotly": Markup(plotly),  # noqa: S704
        "hashes": " ".join(f"'sha256-{_hash(text)}'" for text in (plotly, script)),
    }


@cache
def _style() -> Markup:
    return Markup((OWN / "page.css").read_text(encoding="utf-8"))  # noqa: S704 - our own


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _render(name: str, **content: Any) -> str:
    text: str = _environment().get_template(name).render(**content)
    return text


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("stampede.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
