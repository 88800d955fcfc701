"""``python -m tests.notices node_modules NAME …``: print the notices of npm packages for a *.LICENSE.txt.

api/docs/README.md describes when and how. The packages are searched in the folder node_modules and below.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

RULE = "=" * 80
FILE = re.compile("licen[sc]e|copying|notice", re.IGNORECASE)
"""How the names of the files begin that users of a package must receive."""


def main(arguments: list[str]) -> int:
    """Print the notices of the packages with these names. Packages with the same texts share them."""
    folder, *names = arguments
    owners = defaultdict[str, list[str]](list)
    for name in sorted(names):
        for package in packages(Path(folder), name):
            owners[texts(package)].append(title(package))
    for text, titles in owners.items():
        print(RULE, *titles, "", text, sep="\n", end="\n\n")
    return 0


def packages(folder: Path, name: str) -> list[Path]:
    """Return the folders of a package, one for each version. Exits where there is none."""
    found = {
        described(path)["version"]: path
        for path in (folder / name, *folder.rglob(f"node_modules/{name}"))
        if (path / "package.json").is_file()
    }
    if not found:
        sys.exit(f"{folder} has no package {name}: install it first")
    return [found[version] for version in sorted(found)]


def described(package: Path) -> dict[str, Any]:
    """Return the content of package.json."""
    content: dict[str, Any] = json.loads((package / "package.json").read_text(encoding="utf-8"))
    return content


def title(package: Path) -> str:
    """Return a line such as `react 18.3.1 (MIT)`."""
    about = described(package)
    licence = about.get("license", "as follows")
    return f"{about['name']} {about['version']} ({licence})"


def texts(package: Path) -> str:
    """Return the licence and the notices of a package; where it has no such file, who wrote it."""
    files = sorted(path for path in package.iterdir() if FILE.match(path.name) and path.is_file())
    author = described(package).get("author", "not named")
    name = author if isinstance(author, str) else author["name"]
    return "\n\n".join(file.read_text(encoding="utf-8").strip() for file in files) or (
        f"The package has no file with its licence. Its author: {name}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
