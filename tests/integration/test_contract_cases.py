"""Every sentence of the contract that ErrorConditions knows holds for the API."""

from __future__ import annotations

from typing import Any

from locust.env import Environment
from locust.event import Events

from load_tests.contract_cases import CASES
from load_tests.scenarios import ErrorConditions
from tests.integration.servers import Api


def test_each_case_gets_the_documented_answer(api: Api) -> None:
    """All of them, some time in two turns; what is needed for them is made on the way."""
    environment = Environment(events=Events(), host=api.url)
    requests: list[Any] = []
    environment.events.request.add_listener(lambda exception, **_: requests.append(exception))
    ErrorConditions.host = api.url
    user = ErrorConditions(environment)
    user.try_next_case()
    while user._cases:
        user.try_next_case()
    user.client.close()
    assert len(requests) >= len(CASES)
    assert [str(failure) for failure in requests if failure] == []
