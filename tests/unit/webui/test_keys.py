"""A session's cookie opens nothing without its key, or a ticket that its key has bought."""

from __future__ import annotations

from stampede.webui.keys import MAX_TICKETS, OWNER, TICKET_SECONDS, Keys


def test_a_session_needs_its_own_key() -> None:
    keys = Keys(b"secret", "owner's")
    assert keys.session_of("ada", keys.key_of("ada"), None, 0.0) == "ada"
    assert keys.session_of("ada", keys.key_of("byron"), None, 0.0) is None
    assert keys.session_of("ada", "", None, 0.0) is None
    assert keys.session_of("ada", "ÿ", None, 0.0) is None
    assert keys.session_of("ada", None, None, 0.0) is None
    assert keys.session_of(None, keys.key_of("ada"), None, 0.0) is None
    assert Keys(b"other", "").key_of("ada") != keys.key_of("ada")


def test_the_owners_key_needs_no_session() -> None:
    keys = Keys(b"secret", "owner's")
    assert keys.session_of(None, "owner's", None, 0.0) == OWNER
    assert keys.session_of("ada", "owner's", None, 0.0) == OWNER


def test_nobody_is_the_owner_by_the_name_of_a_session() -> None:
    """The id of the owner's session is no secret, and no cookie has it: cookies are signed."""
    keys = Keys(b"secret", "owner's")
    assert keys.session_of(None, OWNER, None, 0.0) is None


def test_a_ticket_is_valid_once_for_its_session_and_for_a_minute() -> None:
    keys = Keys(b"secret", "owner's")
    ticket = keys.ticket("ada", 0.0)
    assert keys.session_of("ada", None, ticket, TICKET_SECONDS) == "ada"
    assert keys.session_of("ada", None, ticket, TICKET_SECONDS) is None
    assert keys.session_of("byron", None, keys.ticket("ada", 0.0), 0.0) is None
    assert keys.session_of("ada", None, keys.ticket("ada", 0.0), TICKET_SECONDS + 1) is None
    assert keys.session_of(None, None, keys.ticket("ada", 0.0), 0.0) is None


def test_tickets_are_not_kept_without_a_limit() -> None:
    keys = Keys(b"secret", "owner's")
    first = keys.ticket("ada", 0.0)
    for _ in range(MAX_TICKETS):
        last = keys.ticket("ada", 0.0)
    assert keys.redeem(first, 0.0) is None
    assert keys.redeem(last, 0.0) == "ada"
