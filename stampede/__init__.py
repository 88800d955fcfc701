"""What Locust lacks for a cluster; works with any locustfile."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stampede.race.racers import RacingUser
    from stampede.run.audit_process import register_audit

__all__ = ("RacingUser", "register_audit")

_ROOMS = {"RacingUser": "stampede.race.racers", "register_audit": "stampede.run.audit_process"}


def __getattr__(name: str) -> Any:
    """Import what stands on Locust when it is asked for: the audit's process has no use for Locust."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)
