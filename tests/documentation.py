"""Reads the pages of the documentation: commands with their output, links, headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = sorted(Path("docs").glob("*.md"))
PAGES = [*sorted(Path().glob("*.md")), Path("load_tests/README.md"), *DOCS]

OMITTED = "…"
"""A line of a documented output that stands for lines that are left out."""

_BASH = re.compile(r"^```bash\n(.*?)^```\n(?:\n```\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)|<(https?://[^>\s]+)>", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Command:
    """A command in a page, and its output as the page shows it; empty where the page shows none."""

    page: Path
    text: str
    output: str


def commands(page: Path) -> list[Command]:
    """Return the commands in the bash blocks of a page, without comments.

    A block that follows a bash block and has no language is the output of the last command in it.
    """
    return [
        command for block in _BASH.finditer(page.read_text()) for command in _commands(page, *block.groups())
    ]


def _commands(page: Path, block: str, output: str | None) -> Iterator[Command]:
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in block.replace("\\\n", " ").splitlines()]
    texts = [" ".join(line.split()) for line in lines if line]
    for number, text in enumerate(texts, 1):
        yield Command(page, text, (output or "") if number == len(texts) else "")


def links(page: Path) -> list[str]:
    """Return the links of a page, without those in code."""
    prose = _CODE.sub("", _FENCE.sub("", page.read_text()))
    return [link for groups in _LINK.findall(prose) for link in groups if link]


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def example(page: str, language: str) -> str:
    """Return the first code block of a page in this language."""
    return Path(page).read_text().split(f"```{language}\n")[1].split("```")[0]


def gist(output: str) -> list[str]:
    """Return the first two columns of each line, with all numbers and ids of runs alike; no omitted lines."""
    columns = (re.split(r"\s{2,}", line.strip())[:2] for line in output.splitlines())
    return [_NUMBERS.sub("0", " ".join(each)) for each in columns if each not in ([""], [OMITTED])]


_NUMBERS = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}|[+-]?\d[\d,.]*")
