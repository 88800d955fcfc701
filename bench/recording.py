"""The shop's locustfile, whose workers write each report to the file BENCH_RECORDING, if it is set."""

from __future__ import annotations

import os
from typing import Any

from locust import events
from locust.rpc import Message, zmqrpc

from load_tests.locustfile import OrderProcessingUser

__all__ = ("OrderProcessingUser",)


@events.init.add_listener
def _record(**_: Any) -> None:
    path = os.environ.get("BENCH_RECORDING")
    if path is None:
        return
    send = zmqrpc.BaseSocket.send
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def send_and_record(base: zmqrpc.BaseSocket, message: Message) -> None:
        if message.type == "stats" and message.data["stats"]:
            content = message.serialize()
            os.write(descriptor, len(content).to_bytes(4, "big") + content)
        send(base, message)

    zmqrpc.BaseSocket.send = send_and_record
