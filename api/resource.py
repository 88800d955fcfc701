"""What all resources have in common."""

from __future__ import annotations

from typing import NoReturn

from falcon import HTTP_METHODS, HTTPMethodNotAllowed, Request, Response

from api.db import Database


class Resource:
    """A path. HEAD is allowed wherever GET is: Falcon drops the body and keeps its length. OPTIONS, which
    Falcon would answer itself, is a wrong method like any other."""

    def __init_subclass__(cls) -> None:
        if hasattr(cls, "on_get"):
            cls.on_head = cls.on_get  # type: ignore[attr-defined]

    def on_options(self, _request: Request, _response: Response, **_path: str) -> NoReturn:
        raise HTTPMethodNotAllowed(allowed_methods(self))


class DatabaseResource(Resource):
    """One whose handlers call functions of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database


def allowed_methods(resource: object) -> list[str]:
    methods = set(HTTP_METHODS) - {"OPTIONS"}
    return sorted(method for method in methods if hasattr(resource, f"on_{method.lower()}"))
