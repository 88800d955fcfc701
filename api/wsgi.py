"""The application as a server process gets it: on a database, after what the environment says."""

from __future__ import annotations

import os

from falcon import App, Request, Response

from api import gauges, logs
from api.admission import Admission, install
from api.app import create_app
from api.db import Database
from api.settings import SettingError, Settings


def get_app() -> App[Request, Response]:
    """Called once in each process, before it takes requests."""
    logs.configure()
    settings = Settings.from_environment(os.environ)
    if settings.database_url is None:
        raise SettingError("DATABASE_URL must be set; `python run_api.py` sees to it")
    # One more than requests at work: a probe waits for none of them.
    database = Database(settings.database_url, settings.threads + 1)
    database.start()
    admission = Admission(places=settings.threads)
    install(admission)
    gauges.watch(admission, database)
    return create_app(database)
