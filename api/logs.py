"""The log of failures, on stderr: one JSON object a line. Successful requests are counted, not logged."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """A formatter for JSON. A record that belongs to a request has `request_id` and `request` as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a JSON object, without the fields that are None."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", None),
            "request": getattr(record, "request", None),
            "traceback": self.formatException(record.exc_info) if record.exc_info else None,
        }
        return json.dumps({name: value for name, value in line.items() if value is not None})


def configure() -> None:
    """Log to stderr in this format; call it once in each process."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
