"""``junit.xml``: a case for each check, for whatever shows test results. Pure."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from stampede.facts.check import FAIL, NOT_ASKED, UNKNOWN, Check, Facts
from stampede.report import formatting
from stampede.report.formatting import Judged

TAGS = {FAIL: "failure", UNKNOWN: "error", NOT_ASKED: "skipped"}


def junit(run: Facts, judged: Judged) -> str:
    """A suite for each part of the verdict."""
    suites = _element(None, "testsuites", name="stampede", **_counts(_checks(judged)))
    for part in formatting.PARTS:
        checks = judged[part]["checks"]
        suite = _element(suites, "testsuite", name=part.upper(), **_counts(checks))
        suite.set(
            "timestamp", formatting.printable(str(run["started_at"]).partition(".")[0].partition("+")[0])
        )
        suite.set("time", str((run.get("window") or {}).get("seconds") or 0))
        for check in checks:
            _case(suite, part, check)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, "unicode") + "\n"


def _case(suite: ElementTree.Element, part: str, check: Check) -> None:
    case = _element(suite, "testcase", classname=f"stampede.{part}", name=check["name"], time="0")
    detail = str(check.get("detail", ""))
    if tag := TAGS.get(check["verdict"]):
        found = _element(case, tag, message=detail)
        found.text = formatting.printable("\n".join(_offenders(check))) or None
    elif detail:
        _element(case, "system-out").text = formatting.printable(detail)


def _offenders(check: Check) -> list[str]:
    return [
        f"{which}: {formatting.offender(check[which])}" for which in ("first", "worst") if check.get(which)
    ]


def _checks(judged: Judged) -> list[Check]:
    return [check for part in formatting.PARTS for check in judged[part]["checks"]]


def _counts(checks: list[Check]) -> dict[str, Any]:
    verdicts = [check["verdict"] for check in checks]
    of_tag = {"failures": FAIL, "errors": UNKNOWN, "skipped": NOT_ASKED}
    return {"tests": len(verdicts), **{tag: verdicts.count(verdict) for tag, verdict in of_tag.items()}}


def _element(parent: ElementTree.Element | None, tag: str, **attributes: Any) -> ElementTree.Element:
    clean = {name: formatting.printable(str(value)) for name, value in attributes.items()}
    if parent is None:
        return ElementTree.Element(tag, clean)
    return ElementTree.SubElement(parent, tag, clean)
