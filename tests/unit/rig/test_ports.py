"""Ports that a cluster cannot have are refused before it starts, and no others."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from stampede.rig import UsageError, cluster
from stampede.rig.compose import Compose
from stampede.rig.local import Local
from stampede.rig.settings import Settings

NOBODY = 65534


@pytest.fixture
def _as_nobody() -> Iterator[None]:
    """As root alone may: for a while."""
    caller = os.geteuid()
    if caller == 0:
        os.seteuid(NOBODY)
    yield
    os.seteuid(caller)


def test_one_in_use_is_named_with_the_variable_that_chooses_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        asked = Settings(ui_port=port)
        for found in (Local(asked), Compose(asked)):
            with pytest.raises(UsageError, match=rf"^port {port} is in use: .* another UI_PORT=$"):
                cluster.refuse_ports(found, asked)


@pytest.mark.usefixtures("_as_nobody")
def test_one_of_roots_is_not_said_to_be_in_use() -> None:
    """Processes of somebody else cannot have it; containers can: the engine publishes it."""
    asked = Settings(ui_port=1, host="http://api.test", master_port=2)
    with pytest.raises(UsageError, match=r"^port 1 is for root only: set UI_PORT= to a port above 1023$"):
        cluster.refuse_ports(Local(asked), asked)
    cluster.refuse_ports(Compose(asked), asked)
