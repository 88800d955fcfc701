"""``junit.xml``: a test case for each check, for tools that show test results. Pure.

It keeps to the schema that Jenkins checks files by (junit-10.xsd): other attributes make it refuse the file.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from stampede import harmless
from stampede.facts.run_json import Facts
from stampede.facts.verdict_json import Check, Judgement, Verdict
from stampede.report import formatting

TAGS = {Verdict.FAIL: "failure", Verdict.UNKNOWN: "error", Verdict.NOT_ASKED: "skipped"}


def junit(run: Facts, judged: Judgement) -> str:
    """Return the XML, with a suite for each part of the verdict."""
    counts = _counts(judged.checks)
    del counts["skipped"]  # is allowed in a suite only
    suites = _element(None, "testsuites", name="stampede", **counts)
    for name, part in judged.parts.items():
        suite = _element(suites, "testsuite", name=name.upper(), **_counts(part.checks))
        suite.set("timestamp", f"{run.started_at:%Y-%m-%dT%H:%M:%S}")
        suite.set("time", str(run.window.seconds if run.window else 0))
        for check in part.checks:
            _case(suite, name, check)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, "unicode") + "\n"


def _case(suite: ElementTree.Element, part: str, check: Check) -> None:
    case = _element(suite, "testcase", classname=f"stampede.{part}", name=check.name, time="0")
    detail = formatting.in_words(check)
    if tag := TAGS.get(check.verdict):
        result = _element(case, tag, message=detail)
        result.text = harmless.lines("\n".join(_offenders(check))) or None
    elif detail:
        _element(case, "system-out").text = harmless.lines(detail)


def _offenders(check: Check) -> list[str]:
    return [f"{which}: {formatting.offender(wrong)}" for which, wrong in check.offenders.items()]


def _counts(checks: list[Check]) -> dict[str, Any]:
    verdicts = [check.verdict for check in checks]
    verdict_of = {"failures": Verdict.FAIL, "errors": Verdict.UNKNOWN, "skipped": Verdict.NOT_ASKED}
    return {"tests": len(verdicts), **{name: verdicts.count(verdict) for name, verdict in verdict_of.items()}}


def _element(parent: ElementTree.Element | None, tag: str, **attributes: Any) -> ElementTree.Element:
    clean = {name: harmless.line(str(value)) for name, value in attributes.items()}
    if parent is None:
        return ElementTree.Element(tag, clean)
    return ElementTree.SubElement(parent, tag, clean)
