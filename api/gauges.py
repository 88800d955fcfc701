"""How busy the API is at this moment: all its processes together, of which each looks ten times a second.

That costs no request anything. What a process that has ended saw last, api/usage.py sees to.
"""

from __future__ import annotations

import threading
from time import sleep

from prometheus_client import Counter, Gauge

from api.admission import Admission
from api.db import Database

LOOK_SECONDS = 0.1

requests_in_flight = Gauge("http_requests_in_flight", "Requests at work", multiprocess_mode="livesum")
requests_waiting = Gauge("http_requests_waiting", "Requests not begun", multiprocess_mode="livesum")
connections = Gauge("database_connections", "That requests share", multiprocess_mode="livesum")
connections_in_use = Gauge("database_connections_in_use", "At work", multiprocess_mode="livesum")
connection_waits = Counter("database_connection_waits", "Times when none of them was free")


def watch(admission: Admission, database: Database) -> None:
    """From now on, in a thread."""
    threading.Thread(target=_watch, args=(admission, database), name="gauges", daemon=True).start()


def _watch(admission: Admission, database: Database) -> None:
    waits = 0
    while True:
        requests_in_flight.set(admission.at_work)
        requests_waiting.set(admission.waiting)
        connections.set(database.size)
        connections_in_use.set(database.in_use)
        waits, before = database.waits, waits
        connection_waits.inc(waits - before)
        sleep(LOOK_SECONDS)
