"""A user whose requests need less CPU than those of FastHttpUser."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Any

from locust import User
from locust.env import Environment
from locust.exception import StopTest
from locust.user.users import RestMixin

from stampede.http.limits import most_of_body
from stampede.http.session import FastSession

NOT_HERE = ("client_pool", "concurrency", "max_redirects", "max_retries", "proxy_host", "proxy_port")
"""Attributes that only FastHttpUser has."""


class FastUser(User, RestMixin[Any]):
    """The base class of users whose `client` has FastHttpUser's methods.

    It follows no redirects, keeps no cookies, and has neither proxies nor streams: FastHttpUser has.
    """

    abstract = True

    network_timeout: float = 60.0
    """Seconds: the longest wait for the next part of an answer."""

    connection_timeout: float = 60.0
    """Seconds to connect."""

    insecure: bool = True
    """Whether certificates are not checked, as with FastHttpUser."""

    default_headers: Mapping[str, str] | None = None
    """Headers of every request."""

    ssl_context_factory: Callable[[], ssl.SSLContext] | None = None
    """Returns the context of encrypted connections, instead of the default one."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if self.host is None:
            raise StopTest(
                "You must specify the base host: in the host attribute of the User class, or with --host."
            )
        for name in NOT_HERE:
            if getattr(self, name, None):  # unlike max_redirects = 0
                raise TypeError(f"FastUser has no '{name}': use FastHttpUser")
        self.client = FastSession(
            self.host,
            environment.events.request,
            self,
            connection_timeout=self.connection_timeout,
            network_timeout=self.network_timeout,
            insecure=self.insecure,
            max_body_size=most_of_body(self),
            default_headers=self.default_headers,
            ssl_context_factory=type(self).ssl_context_factory,
        )
