"""Gauges: how busy all processes of the API are together. Each process samples itself ten times a second.

Sampling in a thread adds no cost to requests. api/usage.py removes the samples of processes that have ended.
"""

from __future__ import annotations

import threading
from time import sleep

from prometheus_client import Counter, Gauge

from api.admission import Admission
from api.db import Database

SAMPLE_SECONDS = 0.1

requests_in_flight = Gauge("http_requests_in_flight", "Requests in progress", multiprocess_mode="livesum")
requests_waiting = Gauge("http_requests_waiting", "Requests that wait to start", multiprocess_mode="livesum")
connections = Gauge("database_connections", "Size of the connection pools", multiprocess_mode="livesum")
connections_in_use = Gauge("database_connections_in_use", "Connections in use", multiprocess_mode="livesum")
connection_waits = Counter("database_connection_waits", "Calls that found no free connection")


def watch(admission: Admission, database: Database) -> None:
    """Start the thread that samples this process."""
    threading.Thread(target=_sample, args=(admission, database), name="gauges", daemon=True).start()


def _sample(admission: Admission, database: Database) -> None:
    waits = 0
    while True:
        requests_in_flight.set(admission.at_work)
        requests_waiting.set(admission.waiting)
        connections.set(database.size)
        connections_in_use.set(database.in_use)
        waits, before = database.waits, waits
        connection_waits.inc(waits - before)
        sleep(SAMPLE_SECONDS)
