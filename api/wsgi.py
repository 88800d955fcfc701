"""The factory that Granian calls in each of its processes."""

from __future__ import annotations

import os

from falcon import App, Request, Response

from api import gauges, logs
from api.admission import Admission, install
from api.app import create_app
from api.db import Database
from api.settings import SettingError, Settings


def get_app() -> App[Request, Response]:
    """Return the application with its database started, by the settings of the environment."""
    logs.configure()
    settings = Settings.from_environment(os.environ)
    if settings.database_url is None:
        raise SettingError("DATABASE_URL must be set; `python run_api.py` sets it")
    # One more than requests in progress: a probe does not wait for a connection.
    database = Database(settings.database_url, settings.threads + 1)
    database.start()
    admission = Admission(places=settings.threads)
    install(admission)
    gauges.watch(admission, database)
    return create_app(database)
