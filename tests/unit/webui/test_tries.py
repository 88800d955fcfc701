"""Guesses wait for each other; the owner, who knows the password, is never kept out by them."""

from __future__ import annotations

import pytest

from stampede.webui.tries import FORGOTTEN_AFTER, MAX_ADDRESSES, PATIENCE, LoginLimiter, Turns, network


def checked(limiter: LoginLimiter, address: str, now: float, tries: int) -> int:
    """How many of so many tries at one moment are checked at all."""
    return sum(limiter.take(address, now)[1] for _ in range(tries))


def test_some_tries_are_free_then_the_pause_doubles_up_to_its_longest() -> None:
    turns = Turns(free=2, pause=1.0, longest=4.0)
    waits = []
    for _ in range(6):
        waits.append(turns.wait(100.0))
        turns.take(100.0, waits[-1])
    assert waits == [0, 0, 1, 3, 7, 11], "one after another: after 1, 2, 4 and 4 s"
    assert turns.wait(109.0) == 6


def test_parallel_guesses_take_no_more_turns_than_guesses_one_by_one() -> None:
    limiter = LoginLimiter()
    assert checked(limiter, "here", 0.0, 200) == 7, "five at once, and two within the patience"
    assert checked(limiter, "here", 1.0, 200) == 0
    a_minute = sum(checked(limiter, "here", second, 200) for second in range(2, 62))
    assert a_minute == 60 / 4


def test_the_owner_is_in_soon_after_any_number_of_guesses() -> None:
    """Of the own address too; refused tries do not lengthen the wait."""
    limiter = LoginLimiter()
    for second in range(1000):
        checked(limiter, "here", second, 50)
    wait, _ = limiter.take("here", 1000.0)
    assert wait <= 2 * PATIENCE
    assert limiter.take("here", 1000.0 + wait)[1]


def test_guesses_from_many_addresses_are_slow_and_hold_up_no_address_that_has_logged_in() -> None:
    limiter = LoginLimiter()
    limiter.take("the owner", 0.0)
    limiter.succeeded("the owner")
    tries = [limiter.take(f"address {number}", 1.0)[1] for number in range(5000)]
    assert sum(tries) == pytest.approx(50 + PATIENCE * 10, abs=2)
    assert limiter.take("the owner", 1.0) == (0.0, True)
    later = [limiter.take(f"other {number}", 601.0)[1] for number in range(5000)]
    assert sum(later) == pytest.approx(PATIENCE * 10, abs=2), "ten a second"


def test_who_knows_the_password_may_mistype_again() -> None:
    limiter = LoginLimiter()
    checked(limiter, "here", 0.0, 6)
    limiter.succeeded("here")
    assert limiter.take("here", 0.0) == (0.0, True)


def test_what_is_long_ago_is_forgotten() -> None:
    turns = Turns(free=1, pause=1.0, longest=4.0)
    turns.take(0.0, 0.0)
    assert turns.wait(FORGOTTEN_AFTER) == 0
    assert turns.wait(0.5) == 0.5
    turns.take(FORGOTTEN_AFTER + 1, 0.0)
    assert turns.tries == 1


def test_addresses_are_not_remembered_without_a_limit() -> None:
    limiter = LoginLimiter()
    for number in range(MAX_ADDRESSES + 10):
        limiter.take(f"address {number}", float(number))
        limiter.succeeded(f"other {number}")
    assert len(limiter.by_address) == MAX_ADDRESSES
    assert len(limiter.known) == MAX_ADDRESSES


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:0:0:1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_a_client_has_one_address_of_ipv4_and_a_network_of_ipv6(address: str, group: str) -> None:
    assert network(address) == group
