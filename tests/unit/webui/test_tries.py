"""Who guesses passwords waits longer each time."""

from __future__ import annotations

from stampede.webui.tries import FORGOTTEN_AFTER, LoginLimiter, Tries


def test_some_tries_are_free_then_the_wait_doubles_up_to_its_longest() -> None:
    tries = Tries(free=2, longest=4.0)
    waits = []
    for _ in range(6):
        tries.failed(100.0)
        waits.append(tries.wait(100.0))
    assert waits == [0, 1, 2, 4, 4, 4]
    assert tries.wait(103.5) == 0.5
    assert tries.wait(200.0) == 0


def test_who_tries_for_days_does_not_lock_everybody_out() -> None:
    tries = Tries(free=25, longest=60.0, wrong=100_000, last=100.0)
    assert tries.wait(100.0) == 60
    assert tries.wait(160.0) == 0


def test_what_is_long_ago_is_forgotten() -> None:
    tries = Tries(free=1, longest=4.0)
    tries.failed(0.0)
    tries.failed(FORGOTTEN_AFTER + 1)
    assert tries.wrong == 1


def test_who_knows_the_password_may_mistype_again() -> None:
    doorkeeper = LoginLimiter()
    for _ in range(5):
        doorkeeper.failed("here", 0.0)
    assert doorkeeper.wait("here", 0.0) == 1
    assert doorkeeper.wait("there", 0.0) == 0
    doorkeeper.succeeded("here")
    assert doorkeeper.wait("here", 0.0) == 0


def test_who_has_many_addresses_waits_too() -> None:
    doorkeeper = LoginLimiter()
    for number in range(26):
        doorkeeper.failed(f"address {number}", 0.0)
    assert doorkeeper.wait("a new one", 0.0) == 2


def test_addresses_are_not_remembered_for_ever() -> None:
    doorkeeper = LoginLimiter()
    doorkeeper.failed("here", 0.0)
    doorkeeper.failed("there", FORGOTTEN_AFTER + 1)
    assert set(doorkeeper.by_address) == {"there"}
