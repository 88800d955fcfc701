"""A proxy in the environment leads elsewhere: the cluster is asked without it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest

from stampede.audit import shop_summary
from stampede.rig import local
from stampede.rig.master import Master
from stampede.webui import runs
from tests.integration.speaking import speaking


@pytest.fixture(autouse=True)
def ours(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of one who answers, in an environment whose proxy does not."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for module in (shop_summary, runs):
        importlib.reload(module)  # it looks at the environment when it is imported
    with speaking('HTTP/1.1 200 OK\r\n\r\n{"worker_count": "2"}') as url:
        yield url


def test_the_audit_asks_the_api_itself(ours: str) -> None:
    """As users do, and whoever counts its requests."""
    assert shop_summary.ask(ours) == {"worker_count": "2"}


def test_the_rig_asks_the_master_itself(ours: str) -> None:
    assert Master(ours).worker_count() == 2


def test_a_host_is_looked_for_where_users_will(ours: str) -> None:
    """One that answers nobody is refused before a run."""
    runs._refuse_silent_host(ours)


def test_the_local_runtime_asks_its_roles_themselves(ours: str) -> None:
    """Else none would ever be up."""
    assert local._answers(ours)
