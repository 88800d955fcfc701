"""The rig tells a master that is gone from one that answers, whatever is at its port."""

from __future__ import annotations

import pytest

from stampede.rig.master import Master, MasterGoneError
from tests.integration.speaking import speaking


@pytest.mark.parametrize(
    "text",
    [
        "SSH-2.0-OpenSSH",  # something else is at the port
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",  # it died while it answered
        "HTTP/1.1 200 OK\r\n\r\n<html>",  # a web server, and none of ours
        "HTTP/1.1 409 Conflict\r\n\r\n<html>",
    ],
)
def test_what_is_no_answer_of_a_master_is_none(text: str) -> None:
    with speaking(text) as url, pytest.raises(MasterGoneError, match=f"the master at {url} does not answer"):
        Master(url).run()


def test_a_master_that_dies_while_it_asks_for_the_key_is_gone() -> None:
    refuses = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"
    with speaking(refuses) as url, pytest.raises(MasterGoneError):
        Master(url, lambda: "key").run()
