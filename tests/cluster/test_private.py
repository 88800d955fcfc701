"""What other users of the machine see of a cluster of processes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.checkout import Checkout
from tests.cluster.test_leftovers import processes_of

pytestmark = pytest.mark.long


def test_other_users_see_neither_its_files_nor_its_password(checkout: Checkout) -> None:
    """Also where the umask is open, and where an earlier version has left a file. `ps` shows arguments."""
    local = checkout.folder / ".local"
    local.mkdir(exist_ok=True)
    (local / "circus.ini").touch(0o666)
    checkout.used.add("local")
    settings = "RUNTIME=local WORKERS=1 UI_USER=ada UI_PASSWORD=lovelace"
    up = checkout.run("sh", "-c", f"umask 000; exec make up {settings}")
    assert up.returncode == 0, up.stdout
    processes = processes_of(checkout.folder)
    assert len(processes) > 4
    assert not [process for process in processes if "lovelace" in " ".join(process.cmdline())]
    files = [path for path in (local, *local.glob("*"), *local.glob("log/*")) if path.is_file()]
    assert {file.name for file in files} >= {"circus.ini", "clusters.json", "circus.log", "master.log"}
    assert {file: oct(stat.S_IMODE(file.stat().st_mode)) for file in files} == dict.fromkeys(files, "0o600")
    assert not [file for file in files if "lovelace" in Path(file).read_text()]
