"""Whether users and API are on one machine is known where one of them says so, or the API's name does."""

from __future__ import annotations

import pytest

from stampede.sampling import machine


@pytest.mark.parametrize(
    ("of_workers", "of_api", "host", "shared"),
    [
        (["a"], ["a"], "http://shop.test", True),
        (["a", "b"], ["c"], "http://localhost", False),  # forwarded to another machine
        (["a"], [], "http://localhost:9000", True),
        (["a"], [], "http://host.docker.internal:9000", True),
        ([], [], "http://127.0.0.1:9000", True),
        (["a"], [], "https://staging.example.com", None),
        (["a"], [], None, None),
    ],
)
def test_cores_are_shared_if_somebody_says_so(
    of_workers: list[str], of_api: list[str], host: str | None, shared: bool | None
) -> None:
    assert machine.facts(of_workers, of_api, host).generator_shares_cores is shared
