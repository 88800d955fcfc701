"""No text from outside does anything where it is shown."""

from __future__ import annotations

import unicodedata

import pytest

from stampede import harmless
from tests.hostile import WILD

MARKS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\ufeff"
"""Marks of direction, and characters that are not seen."""

CONTROLS = "".join(map(chr, [*range(9), *range(14, 28), 0x7F, *range(0x86, 0xA0)]))


@pytest.mark.parametrize("each", [*MARKS, *CONTROLS, "\ud800", "\ue000", "\U000e0041"])
def test_no_character_acts_unseen(each: str) -> None:
    """In one line, in several, and in a page."""
    for shown in (
        harmless.line(f"a{each}b"),
        harmless.lines(f"a{each}b\nc"),
        harmless.characters(f"a{each}b"),
    ):
        assert each not in shown
        assert "a\ufffdb" in shown
    assert harmless.escaped(f"a{each}b").isprintable()


@pytest.mark.parametrize(
    "text", ["", "GET /orders/{id}", "p95 7.7 ms, limit < 1 ms", "Größe 5 × – … ✓ 🟢 日本"]
)
def test_other_text_stays_as_it_is(text: str) -> None:
    for show in (harmless.line, harmless.lines, harmless.characters, harmless.escaped, harmless.cell):
        assert show(text) == text


def test_a_line_is_one_line() -> None:
    assert harmless.line("a\r\n\tb\x85c\u2028d\x0be") == "a b c d e"


def test_lines_stay_lines() -> None:
    assert harmless.lines("a\n  b\tc\r\nd") == "a\n  b\tc\nd"


@pytest.mark.parametrize(
    "command",
    [
        "::error::y",
        "  ::error file=a::y",
        "\t::add-mask::y",
        "::stop-commands::x",
        "##[add-mask]x",
        "text ##[error]x",
        "##[[group]x",
        "text ##vso[task.setvariable variable=a]b",
        "##teamcity[buildStatus]",
        "###[error]x",
        "##\x00[error]x",
        ":\u200b:error::x",
    ],
)
def test_ci_finds_no_command(command: str) -> None:
    for shown in (harmless.line(command), harmless.lines(f"first\n{command}"), harmless.escaped(command)):
        for line in shown.split("\n"):
            assert not line.lstrip().startswith("::")
            assert "##[" not in line
            assert "##vso[" not in line
            assert "##teamcity[" not in line


def test_an_address_is_no_command() -> None:
    assert harmless.line("http://[::1]:8000 and fe80::1") == "http://[::1]:8000 and fe80::1"


def test_a_text_is_cut() -> None:
    assert harmless.line("a" * 10, 5) == "aaaa…"
    assert harmless.lines("a\n" * 10, 5) == "a\na\n…"
    assert len(harmless.markdown("#" * 10_000, 100)) < 110


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "|cmd", "%0A", "=cmd|'/c calc'!A1"]
)
def test_no_cell_is_a_formula(text: str) -> None:
    assert str(harmless.cell(text)).startswith("'")


@pytest.mark.parametrize("value", [5, -5, 0.5, None, "GET", "/orders/", "N/A", ""])
def test_other_cells_stay_as_they_are(value: object) -> None:
    assert harmless.cell(value) == value


def test_all_of_it_at_once() -> None:
    for shown in (harmless.line(WILD), harmless.lines(WILD)):
        kinds = {unicodedata.category(each) for each in shown.replace("\n", "")}
        assert not kinds & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
