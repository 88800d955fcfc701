"""A cluster whose UI asks for a password is used by its owner without it."""

from __future__ import annotations

import pytest

from tests.checkout import Checkout


@pytest.mark.long
def test_the_owner_of_containers_needs_no_password(checkout: Checkout) -> None:
    """The key is in the master's container, in a file of the user that the master runs as."""
    up = checkout.make("up", "WORKERS=1", "RUNTIME=compose", "UI_USER=ada", "UI_PASSWORD=lovelace")
    assert up.returncode == 0, up.stdout + up.stderr
    printed = checkout.make("login")
    assert printed.stdout.startswith(f"{checkout.ui_url}/stampede/login?ticket="), printed.stdout
    scaled = checkout.make("scale", "N=2")
    assert "2 workers joined" in scaled.stdout, scaled.stdout
