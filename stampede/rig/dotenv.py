"""``.env``, the file that Compose reads too."""

from __future__ import annotations

import re
from pathlib import Path

from stampede.rig import UsageError

LINE = re.compile(
    r"""(export\s+)?(?P<name>[A-Za-z_]\w*)\s*=\s*"""
    r"""((?P<quote>['"])(?P<quoted>.*)(?P=quote)\s*(\#.*)?|(?P<bare>.*?)(\s\#.*)?)"""
)


def read(path: Path) -> dict[str, str]:
    """NAME=value lines; quotes around a value, comments. Nothing where there is no such file."""
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name} is not UTF-8 text: write it again") from error
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}") from error
    lines = [line.strip() for line in text.splitlines()]
    pairs = {}
    for number, line in enumerate(lines, start=1):
        if line and not line.startswith("#"):
            if not (pair := LINE.fullmatch(line)):
                raise UsageError(f"{path.name}, line {number}: '{line}' is not NAME=value")
            name, quoted, bare = pair["name"], pair["quoted"], pair["bare"]
            pairs[name] = quoted if quoted is not None else bare.strip()
    return pairs
