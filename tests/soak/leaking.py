"""The shop's users, on workers that leak: each request adds 200 KB to a list that nothing reads.

A cluster with it grows by 30 MB a second; tests/cluster/test_soak.py. Blocks of this size are mapped from the
kernel one by one; smaller ones would first fill memory that the process has freed.
"""

import sys
from pathlib import Path
from typing import Any

from locust import events

sys.path.insert(1, str(Path(__file__).absolute().parents[2]))
from load_tests.locustfile import *  # noqa: F403

leaked: list[bytes] = []


@events.request.add_listener
def leak(**_: Any) -> None:
    leaked.append(b"x" * (200_000 + len(leaked) % 2))
