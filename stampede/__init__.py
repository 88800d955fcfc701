"""Stampede: a cluster engine for Locust that judges its runs; works with any locustfile."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stampede.http.user import FastUser
    from stampede.race.racers import RacingUser
    from stampede.run.audit_process import register_audit

__all__ = ("FastUser", "RacingUser", "register_audit")

_MODULES = {
    "FastUser": "stampede.http.user",
    "RacingUser": "stampede.race.racers",
    "register_audit": "stampede.run.audit_process",
}


def __getattr__(name: str) -> Any:
    """Return a public name, and import its module only now: the audit's process does not load Locust."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
