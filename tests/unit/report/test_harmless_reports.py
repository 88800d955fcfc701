"""What the target has written into a run does nothing where its reports are shown: GitHub, CI, a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from xml.etree import ElementTree

import msgspec
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from stampede.facts import run_json
from stampede.facts.run_json import Facts
from stampede.report.junit import junit
from stampede.report.markdown import summary
from stampede.report.page import page
from stampede.report.plain_text import plain_text
from stampede.verdict.verdict import verdict
from tests.hostile import WILD
from tests.runs import HOSTILE
from tests.unit.report.test_report import hostile

TEXTS = [
    WILD,
    "@somebody",
    "fixes #2",
    "Closes owner/repository#3, GH-4, TICKET-5 and 1a2b3c4d5e6f",
    "https://evil.example/x?a=b www.evil.example ftp://evil.example",
    "somebody@evil.example :shipit: :100: $x^2$",
    "`@somebody` ``#1`` ```",
    "a | b \\| c \\",
    "`" * 30,
    "![x](https://evil.example/b.png) <img src=x> <!-- &#64;",
    "[x]: https://evil.example",
    "\\@somebody \\#1",
    "##[error]x",
    "::error::x",
]

SEEN_BY_GITHUB = re.compile(
    r"[@$]\w|#\d|\bGH-\d|\bTICKET-\d|://|www\.|:shipit:|:100:|\b[0-9a-f]{7,}\b", re.IGNORECASE
)
"""What GitHub makes links of, and the like, in text that is not code."""


def run_with(text: str) -> Facts:
    """A run in which the target has written this text wherever it can."""
    encoded = run_json.encoded(hostile()).decode()
    escaped, wanted = (json.dumps(each, ensure_ascii=False)[1:-1] for each in (HOSTILE, text))
    assert escaped in encoded
    return msgspec.json.decode(encoded.replace(escaped, wanted), type=Facts)


def inline(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from inline(token.children or [])


@pytest.mark.parametrize("text", TEXTS)
def test_github_finds_nothing_in_the_summary(text: str) -> None:
    """Links, mentions, issues, images and HTML are text or code; a table has its cells."""
    run = run_with(text)
    written = summary(run, verdict(run))
    tokens = [*inline(MarkdownIt("commonmark").enable("table").parse(written))]
    assert not [each for each in tokens if each.type in ("link_open", "image", "html_inline", "html_block")]
    shown = [each.content for each in tokens if each.type == "text"]
    assert not [each for each in shown if SEEN_BY_GITHUB.search(each)]
    cells = re.findall(r"<t[hd]", MarkdownIt("commonmark").enable("table").render(written))
    usual = summary(run_with("x"), verdict(run_with("x")))
    assert len(cells) == len(re.findall(r"<t[hd]", MarkdownIt("commonmark").enable("table").render(usual)))


@pytest.mark.parametrize("text", TEXTS)
def test_neither_ci_nor_a_terminal_obeys_a_report(text: str) -> None:
    """Each may be shown in a log."""
    run = run_with(text)
    judged = verdict(run)
    for written in (summary(run, judged), plain_text(run, judged), junit(run, judged)):
        for line in written.split("\n"):
            assert line.isprintable()
            assert not line.lstrip().startswith("::")
            assert not re.search(r"##\w*\[", line)


def test_the_junit_file_is_xml_whatever_is_in_it() -> None:
    run = run_with(WILD + "\x00\x0b")
    ElementTree.fromstring(junit(run, verdict(run)))  # noqa: S314 - our own


def test_the_page_has_no_marks_of_direction() -> None:
    """Neither in its text nor in the data of its charts."""
    run = run_with(WILD)
    written = page(run, verdict(run), [])
    assert "\u202e" not in written
    assert "\\u202e" not in written
    assert "evil" in written
