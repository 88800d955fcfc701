"""What a server sent, as lines that can be printed."""

from __future__ import annotations

import pytest

from stampede.trial.shown import MAX_CHARACTERS, Shown


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b'{"id": 17}', ['{"id": 17}']),
        (b"<html>\r\n\r\n  <p>\n", ["<html>", "  <p>"]),  # blank lines are left out
        ("Grüße".encode(), ["Grüße"]),
        (b"\x1b[2Jgone \x07", ["\\x1b[2Jgone \\x07"]),  # a terminal would obey
        ("a\u202eb".encode(), ["a\\u202eb"]),  # text that would be shown from right to left
        (b"caf\xe9 is open", ["caf\ufffd is open"]),
        (bytes(range(256)) * 40, ["binary, 10,240 bytes"]),
        (b"1\n2\n3\n4\n5\n6", ["1", "2", "3", "4", "5", "… 11 bytes in all"]),
        (b"x" * 10_000_000, ["x" * MAX_CHARACTERS + "…", "… 10,000,000 bytes in all"]),
        ("ü".encode() * 8192 + b"x", ["ü" * MAX_CHARACTERS + "…", "… 16,385 bytes in all"]),
    ],
)
def test_the_first_lines_of_a_body_can_be_printed(content: bytes, lines: list[str]) -> None:
    assert Shown().body(content) == lines


def test_secrets_are_hidden_also_where_a_line_is_cut() -> None:
    shown = Shown(["s3cret", "s3cret-and-longer", "yes", ""])
    assert shown.line("yes: s3cret-and-longer, s3cret") == "yes: ***, ***"
    assert shown.body(b"x" * (MAX_CHARACTERS - 3) + b"s3cret")[0].endswith("x***")


def test_a_line_is_one_line() -> None:
    assert Shown().line("not what\nI wanted") == "not what\\nI wanted"
