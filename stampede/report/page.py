"""``report.html``: one file that opens anywhere, without a network. Pure, but for reading its templates.

Text that comes from outside (routes, errors, answers) is escaped, in the template and in the data for the
scripts. The page's security policy allows only its own two scripts, by their hashes, and no requests.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stampede import harmless
from stampede.facts.run_json import Facts
from stampede.facts.verdict_json import Judgement
from stampede.report import formatting, routes_over_time, side_by_side, tables
from stampede.report.annotations import MOST_MARKS
from stampede.report.charts import charts
from stampede.report.conditions import Condition
from stampede.report.drawing import Chart
from stampede.report.headline import headline
from stampede.report.hints import hints
from stampede.report.side_by_side import Row

OWN = Path(__file__).parent

PLOTLY = OWN / "plotly" / "plotly-basic.min.js"
"""The library that draws the charts, as reports contain it."""

FOR_SCRIPTS = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
"""Escapes, so that no text in the data can end the script element around it."""


def page(run: Facts, judged: Judgement, locust_files: list[str]) -> str:
    """Return the report of a run. `locust_files` are names of files in the same folder, for links."""
    drawn, by_route = charts(run), routes_over_time.traces(run)
    return _render(
        "page.html",
        **{
            "run": run,
            "judged": judged,
            "locust_files": locust_files,
            "charts": drawn,
            "routes_with_charts": list(by_route),
            "formatting": formatting,
            "tables": tables,
        },
        headline=headline(run, judged),
        reasons=[(part, check, hints(run, part, check)) for part, check in formatting.reasons(judged)],
        most_marks=MOST_MARKS,
        figures_json=_data({**_figures(drawn), "routes": by_route}),
        **_parts(),
    )


def comparison(
    runs: Sequence[Facts],
    judged: Sequence[Judgement],
    differing: Sequence[Condition],
    rows: Sequence[Row],
    summary: Sequence[str],
) -> str:
    """Return the page that compares two runs, with the conditions that they do not share."""
    return _render(
        "comparison.html",
        style=_style(),
        summary=summary,
        **{
            "runs": runs,
            "judged": judged,
            "differing": differing,
            "rows": rows,
            "formatting": formatting,
            "side_by_side": side_by_side,
        },
    )


def _figures(drawn: Sequence[Chart]) -> dict[str, Any]:
    """Return the figures of the charts by id, and once the marks that all charts over time have."""
    figures: dict[str, Any] = {}
    marks: dict[str, Any] = {}
    for chart in drawn:
        layout = dict(chart.figure["layout"])
        marks |= {name: layout.pop(name) for name in ("shapes", "annotations") if name in layout}
        figures[chart.id] = {**chart.figure, "layout": layout}
    return {"charts": figures, "marks": marks}


def _data(content: dict[str, Any]) -> Markup:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return Markup(harmless.characters(text).translate(FOR_SCRIPTS))  # noqa: S704 - no < is left in it


@cache
def _parts() -> dict[str, Any]:
    """Return the style and the scripts, our own and plotly's, which are not escaped."""
    script = "".join((OWN / name).read_text(encoding="utf-8") for name in ("drawing.js", "page.js"))
    plotly = PLOTLY.read_text(encoding="utf-8")
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
        finalize=_shown,
    )


def _shown(value: Any) -> Any:
    """Return what a template shows of a value: of a text, no character that would reorder the page."""
    return harmless.characters(value) if isinstance(value, str) and not isinstance(value, Markup) else value
