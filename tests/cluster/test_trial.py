"""`make try` next to a cluster: without HOST, its target is the API of the cluster that is up."""

from __future__ import annotations

import pytest

from tests.checkout import Checkout


@pytest.mark.parametrize("runtime", ["local", pytest.param("compose", marks=pytest.mark.long)])
def test_the_users_of_the_shop_are_tried_on_the_clusters_api(
    request: pytest.FixtureRequest, checkout: Checkout, runtime: str
) -> None:
    """In a process or in a container, as the cluster is. The container is removed."""
    if runtime == "compose":
        request.getfixturevalue("engine")
    checkout.bring_up(runtime, 1)
    try:
        done = checkout.rig("try")
        if runtime == "compose":
            listed = checkout.run("docker", "compose", "ps", "--all", "--format", "{{.Service}}")
            assert sorted(listed.stdout.split()) == ["api", "master", "postgres", "secrets", "worker"]
    finally:
        checkout.make("down", f"RUNTIME={runtime}")
    assert done.returncode == 0, done.stdout
    assert "\nOrderProcessingUser.place_order\n  POST /orders/  201" in done.stdout
    assert done.stdout.endswith("\n22 tasks, 22 requests, 0 failed\n")
