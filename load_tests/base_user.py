"""The base class of the shop's users without the shop: FastUser, or FastHttpUser where Locust is alone.

Both send each request once.
"""

from typing import Any

from geventhttpclient.client import HTTPClientPool
from locust import FastHttpUser
from locust.env import Environment


class SendsOnce(HTTPClientPool):
    """A pool of connections of FastHttpUser that sends each request once.

    geventhttpclient resends a GET, PUT or DELETE if the connection closes without an answer. The shop may
    have served the first one, so the request would be counted twice. A closed idle connection is replaced
    before it is used.
    """

    def get_client(self, url: Any) -> Any:
        client = super().get_client(url)
        client._connection_pool.size = -1  # geventhttpclient retries `size + 1` times: never
        return client


class LocustAlone(FastHttpUser):
    """Locust's fastest user: it has the methods of FastUser, and needs five times the CPU."""

    abstract = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        agent = self.client.client
        agent.clientpool = SendsOnce(**agent.clientpool.client_args)


BaseUser: type[Any]
try:
    from stampede import FastUser
except ImportError:
    BaseUser = LocustAlone
else:
    BaseUser = FastUser
