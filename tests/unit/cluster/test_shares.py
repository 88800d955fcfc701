"""Who runs what: evenly, in proportion, and nobody is moved without need."""

from __future__ import annotations

import random
from collections import Counter

from stampede.cluster.shares import UserClass, Users, share_out

SHOP = [
    UserClass("Inventory", 3),
    UserClass("Order", 5),
    UserClass("Monitoring", 2),
    UserClass("Concurrency", 1),
]


def totals(shares: dict[str, Users]) -> Users:
    return +sum(shares.values(), Counter())


def sizes(shares: dict[str, Users]) -> list[int]:
    return sorted(share.total() for share in shares.values())


def moved(before: dict[str, Users], after: dict[str, Users]) -> int:
    """Users that had to be started somewhere."""
    return sum((after[worker] - before.get(worker, Counter())).total() for worker in after)


def test_kinds_have_their_proportions_and_workers_equal_shares() -> None:
    shares = share_out({"a": {}, "b": {}, "c": {}}, 110, SHOP)
    assert totals(shares) == {"Inventory": 30, "Order": 50, "Monitoring": 20, "Concurrency": 10}
    assert sizes(shares) == [36, 37, 37]


def test_a_worker_that_joins_gets_its_share_and_nobody_else_changes_anything_else() -> None:
    before = share_out({"a": {}, "b": {}}, 200, SHOP)
    after = share_out({**before, "c": Counter(), "d": Counter()}, 200, SHOP)
    assert sizes(after) == [50, 50, 50, 50]
    assert moved(before, after) == 100, "only those that the newcomers run"
    assert totals(after) == totals(before)


def test_the_users_of_a_worker_that_is_gone_are_taken_over() -> None:
    before = share_out({"a": {}, "b": {}, "c": {}}, 200, SHOP)
    left = {worker: share for worker, share in before.items() if worker != "b"}
    after = share_out(left, 200, SHOP)
    assert sizes(after) == [100, 100]
    assert totals(after) == totals(before)
    assert moved(left, after) == before["b"].total()


def test_the_mix_depends_on_the_number_alone_whatever_came_before() -> None:
    """Three hundred joins, leaves and changes of the number, from a fixed seed."""
    chance, shares, wanted = random.Random(4), {"w0": Counter[str]()}, 0  # noqa: S311
    for step in range(300):
        act = chance.choice(["join", "leave", "number"])
        if act == "join":
            shares[f"w{step}"] = Counter()
        elif act == "leave" and len(shares) > 1:
            del shares[chance.choice(sorted(shares))]
        else:
            wanted = chance.randint(0, 150)
        shares = share_out(shares, wanted, SHOP)
        assert totals(shares) == totals(share_out({"alone": {}}, wanted, SHOP))
        assert sizes(shares)[-1] - sizes(shares)[0] <= 1


def test_a_ramp_upwards_never_stops_a_user() -> None:
    shares = {"a": Counter[str](), "b": Counter[str]()}
    for number in range(1, 60):
        more = share_out(shares, number, SHOP)
        assert moved(shares, more) == 1
        shares = more


def test_fixed_numbers_come_first_and_go_last() -> None:
    kinds = [UserClass("Guard", 0, fixed=3), UserClass("Shopper", 1)]
    assert totals(share_out({"a": {}}, 2, kinds)) == {"Guard": 2}
    assert totals(share_out({"a": {}}, 10, kinds)) == {"Guard": 3, "Shopper": 7}
    assert totals(share_out({"a": {"Guard": 3, "Shopper": 7}}, 4, kinds)) == {"Guard": 3, "Shopper": 1}


def test_kinds_of_fixed_numbers_alone_do_not_grow_beyond_them() -> None:
    assert totals(share_out({"a": {}}, 9, [UserClass("Guard", 1, fixed=3)])) == {"Guard": 3}


def test_a_kind_without_weight_never_starts() -> None:
    """Not even where no other kind can grow."""
    kinds = [UserClass("Guard", 1, fixed=3), UserClass("Idle", 0)]
    assert totals(share_out({"a": {}}, 9, kinds)) == {"Guard": 3}


def test_a_kind_that_is_wanted_no_more_goes_first() -> None:
    assert totals(share_out({"a": {"Former": 4, "Shopper": 4}}, 5, [UserClass("Shopper", 1)])) == {
        "Former": 1,
        "Shopper": 4,
    }


def test_nobody_is_left_to_run_anything() -> None:
    assert share_out({}, 10, SHOP) == {}
