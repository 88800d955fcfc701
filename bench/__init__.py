"""`make bench`: measures the speed of the users, the API and the cluster, and compares it with peers.

Each part (bench/parts/) measures in rounds: in a round, every side is measured once, so a slow phase of the
machine affects all sides. CPU time comes from the operating system. The figures go to bench/results.json, and
from there to the tables of docs/performance.md and README.md.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "bench"


class BenchError(Exception):
    """A part cannot be measured; the message says why, and what to do."""
