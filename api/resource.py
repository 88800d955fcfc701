"""The base classes of all resources."""

from __future__ import annotations

from typing import NoReturn

from falcon import HTTP_METHODS, HTTPMethodNotAllowed, Request, Response

from api.db import Database


class Resource:
    """The base of the handlers of one path.

    HEAD is allowed wherever GET is: Falcon drops the body and keeps its length. Falcon would answer OPTIONS
    by itself; here it is refused like any other wrong method.
    """

    def __init_subclass__(cls) -> None:
        if hasattr(cls, "on_get"):
            cls.on_head = cls.on_get  # type: ignore[attr-defined]

    def on_options(self, _request: Request, _response: Response, **_path: str) -> NoReturn:
        """Refuse OPTIONS."""
        raise HTTPMethodNotAllowed(allowed_methods(self))


class DatabaseResource(Resource):
    """A resource whose handlers call functions of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database


def allowed_methods(resource: object) -> list[str]:
    """Return the methods that have a handler, sorted, without OPTIONS."""
    methods = set(HTTP_METHODS) - {"OPTIONS"}
    return sorted(method for method in methods if hasattr(resource, f"on_{method.lower()}"))
