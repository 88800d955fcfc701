"""What a request needs besides a session's cookie: browsers send cookies to every port of a host.

The API under test often has another port of the same host, and so receives the cookie. It must not be able
to use it. So each session has a key, which our pages keep in localStorage, where only pages of this port
can read it. They send it as the header Stampede-Key (static/key.js). An address that a browser opens by
itself, such as a link or a download, has no header: it has a ticket instead, which is valid once.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict

HEADER = "Stampede-Key"

TICKET = "ticket"
"""The query parameter of a ticket."""

TICKET_SECONDS = 60.0
"""Seconds for which a ticket is valid."""

MAX_TICKETS = 1000
"""The highest number of tickets that are kept: older ones are dropped."""

OWNER = "owner"
"""The session id of the one who has the owner's key: it can be read on the machine of the cluster only."""


class Keys:
    """The keys of all sessions, and the tickets that are not used yet. Callers pass the time, in seconds."""

    def __init__(self, secret: bytes, owner: str) -> None:
        """Derive the keys from `secret`. `owner` is the owner's key, which needs no session."""
        self._secret = secret
        self._owner = owner
        self._tickets: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def key_of(self, session: str) -> str:
        """Return the key of a session, by its id."""
        return hmac.new(self._secret, session.encode(), hashlib.sha256).hexdigest()

    def session_of(
        self, cookie_session: str | None, key: str | None, ticket: str | None, now: float
    ) -> str | None:
        """Return the id of the session that may do what was requested; None where none may.

        `cookie_session` is the id in the cookie, None without a cookie. A ticket is used up.
        """
        if key is not None and hmac.compare_digest(key.encode(), self._owner.encode()):
            return OWNER
        if cookie_session is None:
            return None
        if key is not None and hmac.compare_digest(key.encode(), self.key_of(cookie_session).encode()):
            return cookie_session
        if ticket is not None and self.redeem(ticket, now) == cookie_session:
            return cookie_session
        return None

    def ticket(self, session: str, now: float) -> str:
        """Return a new ticket for a session."""
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = session, now + TICKET_SECONDS
        if len(self._tickets) > MAX_TICKETS:
            self._tickets.popitem(last=False)
        return ticket

    def redeem(self, ticket: str, now: float) -> str | None:
        """Use a ticket up. Return the id of its session; None where it is not valid."""
        session, until = self._tickets.pop(ticket, (None, 0.0))
        return session if now <= until else None
