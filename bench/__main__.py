"""`python -m bench [--rounds N] [PART …]`: measures all parts, or these.

With fewer than five rounds it is a trial: the figures are printed, and no file is changed.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from bench import ROOT, BenchError, results, tables
from bench.figures import Figure
from bench.rounds import ROUNDS

PARTS = ("generator", "budget", "truth", "api", "cluster", "growth", "startup")

DOCUMENTS = {ROOT / "docs" / "performance.md": tables.all_tables, ROOT / "README.md": tables.short_table}


def main() -> int:
    """Measure the parts; return 2 if one of them could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure how fast Stampede is")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"fewer than {ROUNDS} are a trial")
    options = parser.parse_args()
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"there is no part '{unknown[0]}': use one of {', '.join(PARTS)}")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended, as after Ctrl-C
    failed = False
    for name in options.parts or PARTS:
        try:
            part = measure(name, options.rounds)
        except BenchError as error:
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            failed = True
            continue
        print(tables.table(part.figures), flush=True)
        if options.rounds >= ROUNDS:
            keep(name, part)
    return 2 if failed else 0


def measure(name: str, rounds: int) -> results.Part:
    """Return the result of a part. Raises BenchError."""
    print(f"{name}:", flush=True)
    module = import_module(f"bench.parts.{name}")
    begun = time.monotonic()
    figures: list[Figure] = []
    try:
        with working_folder() as folder:
            figures.extend(module.measure(folder, rounds))
    except (BenchError, KeyboardInterrupt):
        if figures:
            print(tables.table(figures), flush=True)
        raise
    return results.Part(
        title=module.TITLE,
        date=results.today(),
        command=shlex.join(["make", "bench", f"PART={name}"]),
        rounds=rounds,
        seconds=round(time.monotonic() - begun),
        machine=results.machine(),
        versions=results.versions(module.PACKAGES),
        notes=list(module.NOTES),
        figures=figures,
    )


@contextmanager
def working_folder() -> Iterator[Path]:
    """Return a folder for logs and data. It is deleted at the end, unless something failed."""
    # PostgreSQL, which never runs as root, must be able to enter it.
    folder = Path(tempfile.mkdtemp(prefix="stampede-bench-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    except BaseException:
        print(f"logs: {folder}", file=sys.stderr, flush=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def keep(name: str, part: results.Part) -> None:
    """Write the part to bench/results.json, and all parts to the tables of the documents."""
    parts = {**results.read(), name: part}
    parts = {known: parts[known] for known in PARTS if known in parts}
    results.write(parts)
    for path, make in DOCUMENTS.items():
        if path.exists():
            path.write_text(tables.filled(path.read_text(), make(parts)))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
