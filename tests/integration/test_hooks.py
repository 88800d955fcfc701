"""What the engine does to a master and a worker as they start: real processes, told by their locustfile."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

LOCUSTFILE = """
import gc
from locust import User, events

class Visitor(User):
    pass

@events.init.add_listener
def tell(environment, **_):
    print("forgets:", environment.reset_stats, "collects:", len(gc.get_objects()), flush=True)
"""


@contextmanager
def locust(folder: Path, *options: str) -> Iterator[str]:
    """`python -m stampede locust` as a child: what its locustfile tells when it has started."""
    command = [sys.executable, "-m", "stampede", "locust", "--stampede-results", str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline()
        finally:
            process.kill()


def test_neither_master_nor_worker_forgets_failures_or_collects_modules(tmp_path: Path) -> None:
    """Locust's --reset-stats would have what failed before succeed. There are 60,000 objects in modules."""
    locustfile = tmp_path / "visitor.py"
    locustfile.write_text(LOCUSTFILE)
    with socket.create_server(("127.0.0.1", 0)) as ui, socket.create_server(("127.0.0.1", 0)) as bind:
        web_port, port = str(ui.getsockname()[1]), str(bind.getsockname()[1])
    both = ("-f", str(locustfile), "--reset-stats")
    with ExitStack() as started:
        page = ("--web-host", "127.0.0.1", "--web-port", web_port, "--host", "http://127.0.0.1:9")
        master = locust(tmp_path, "--master", "--master-bind-port", port, *page, *both)
        told = [started.enter_context(master)]
        worker = locust(tmp_path, "--worker", "--master-port", port, *both)
        told.append(started.enter_context(worker))
    for line in told:
        assert line.startswith("forgets: False collects: ")
        assert int(line.split()[-1]) < 10_000
