"""The host of a run that names none: that of --host, else of the user classes, else the cluster's own API.

No run has a port of the cluster itself as its host: users would hit the master.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from locust import User
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from stampede.cluster.allowed_targets import parse_origin
from stampede.own_ports import REFUSED, VARIABLE, OwnPorts
from stampede.plan.cast import CastError


class Target(NamedTuple):
    """The host of a run, and the user classes that state it; none where something else does."""

    host: str | None
    user_classes: tuple[str, ...] = ()


class Hosts:
    """The hosts that one master knows.

    Create it before the first run: at each start, Locust overwrites the hosts of the classes.
    """

    def __init__(self, environment: Environment) -> None:
        self._stated: str | None = environment.host or None
        self._fallback = getattr(environment.parsed_options, "stampede_fallback_host", None) or None
        classes = environment.available_user_classes or {}
        self._of_classes = {name: str(cls.host) for name, cls in classes.items() if cls.host}
        self.own_ports = own_ports(environment)

    @property
    def allowed(self) -> list[str]:
        """Return the hosts that whoever started the cluster has allowed.

        A host that was given with --host excludes those of the classes: these may be of production.
        """
        if self._stated:
            return [self._stated]
        return [*filter(None, [self._fallback]), *self._of_classes.values()]

    def choose(self, user_classes: Iterable[type[User]]) -> Target:
        """Return the host for a run of these classes.

        Raises CastError where the classes state different hosts, as a run has one, and for a port of the
        cluster itself.
        """
        target = self._choose(user_classes)
        self.refuse_own(target.host)
        return target

    def refuse_own(self, host: object) -> None:
        """Raise CastError if a host is a port of the cluster itself."""
        origin = parse_origin(str(host))
        if origin and origin.port and self.own_ports.include(origin.host, origin.port):
            raise CastError(f"{host} {REFUSED}")

    def _choose(self, user_classes: Iterable[type[User]]) -> Target:
        if self._stated:
            return Target(self._stated)
        names = [cls.__name__ for cls in user_classes if cls.__name__ in self._of_classes]
        hosts = {self._of_classes[name].rstrip("/") for name in names}
        if len(hosts) > 1:
            listed = ", ".join(f"{name} {self._of_classes[name]}" for name in sorted(names))
            raise CastError(f"the user classes have different hosts: {listed}: set HOST=http://…")
        return Target(self._of_classes[names[0]], tuple(sorted(names))) if names else Target(self._fallback)

    def shown_at_first(self, user_classes: Iterable[type[User]]) -> str | None:
        """Return the host that the start form shows before the first run.

        None where classes state one: Locust then shows it.
        """
        states_one = any(cls.__name__ in self._of_classes for cls in user_classes)
        return self._stated or (None if states_one else self._fallback)


def own_ports(environment: Environment) -> OwnPorts:
    """Return the ports of the cluster itself: those that the rig lists, and those that Locust knows."""
    runner, web_ui = environment.runner, environment.web_ui
    here = [web_ui.port] if web_ui else []
    if isinstance(runner, MasterRunner):
        here.append(runner.master_bind_port)
    elif isinstance(runner, WorkerRunner):
        here.append(runner.master_port)
    return OwnPorts(os.environ.get(VARIABLE, ""), here)
