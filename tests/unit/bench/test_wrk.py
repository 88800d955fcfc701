"""What wrk prints."""

from __future__ import annotations

import pytest

from bench import BenchError, wrk

OUTPUT = """Running 3s test @ http://127.0.0.1:1
  13170 requests in 3.00s, 3.4MB read
  Socket errors: connect 0, read 2, write 0, timeout 1
  Non-2xx or 3xx responses: 40
"""


def test_refused_and_unanswered_requests_are_counted() -> None:
    """A fast answer that is an error must not make an API look fast."""
    sent = wrk.sent(OUTPUT, 3.0, 0.1317)
    assert (sent.requests, sent.refused) == (13170, 43)
    assert sent.us_per_request == pytest.approx(10.0)


def test_a_failed_wrk_is_no_result() -> None:
    """Its message is shown."""
    with pytest.raises(BenchError, match="unable to connect"):
        wrk.sent("unable to connect to 127.0.0.1:1", 0.1, 0.0)
