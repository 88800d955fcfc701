"""The audit on a real database: a healthy shop always passes, each kind of wrong data is seen by the check
whose affair it is, which names the first offender."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from stampede.facts.verdict_json import Check
from tests.integration.databases import TestDatabase
from tests.integration.histories import RUN, WORKER, Entry, History

CATALOGUE = 5
"""A product of the catalogue with plenty of stock."""


@pytest.fixture
def history(database: TestDatabase, tmp_path: Path) -> Iterator[History]:
    begun = History(database, tmp_path)
    yield begun
    begun.close()


def wanting(checks: dict[str, Check]) -> dict[str, str]:
    """The details of those that do not pass, though they had something to look at."""
    return {
        name: check.detail for name, check in checks.items() if check.verdict not in ("PASS", "NOT_ASKED")
    }


# A healthy shop. Each case says what happened; none of it may be held against the shop.


def all_there_is(shop: History) -> None:
    """Something for every check."""
    race = shop.product(2, race=True)
    for _ in range(4):
        shop.order(race)
    product = shop.product(20)
    order = shop.order(product, 3)["order_id"]
    shop.read_total(order)
    for act in ("pay", "ship", "cancel"):  # the last is refused
        shop.act(act, order)
    shop.act("cancel", shop.order(product, 2)["order_id"])
    shop.bulk([(product, 1), (product, 100), (CATALOGUE, 1)])
    shop.bulk_create([("BULK-1", 4), ("BULK-2", 5), ("BULK-1", 6)])


def keys_used_again(shop: History) -> None:
    """For the same order, after all that can become of it; and for another one, which is refused."""
    product = shop.product(10)
    order = shop.order(product, 2)
    shop.order(product, 2, order["key"])
    shop.order(product, 3, order["key"])
    shop.act("pay", order["order_id"])
    shop.order(product, 2, order["key"])
    shop.act("delete", order["order_id"])
    shop.order(product, 2, order["key"])
    key = shop.new_key()
    shop.bulk([(product, 1), (product, 100)], key)
    shop.bulk([(product, 1), (product, 100)], key)


def refused_and_then_accepted(shop: History) -> None:
    """Refusals are not remembered: the key may be tried again."""
    product = shop.product(1)
    sold_out = shop.order(product, 2)
    shop.adjust(product, 5)
    shop.order(product, 2, sold_out["key"])


def answers_that_never_came(shop: History) -> None:
    """The order, the payment, the product are there or not: who was not told cannot complain."""
    product = shop.product(10)
    shop.turn(shop.order(product), "unknown", 503)
    shop.turn(shop.order(product, 100), "unknown")
    shop.turn(shop.order(product), "open").pop("answered")
    shop.attempt("order", key=shop.new_key(), product_id=product, quantity=1)
    order = shop.order(product)["order_id"]
    shop.turn(shop.act("pay", order), "unknown")
    shop.act("pay", order)  # refused: it is paid
    shop.turn(shop.create("UNKNOWN"), "unknown")
    shop.create("UNKNOWN")  # refused: it is there
    shop.turn(shop.adjust(product, 5), "unknown")
    for line in shop.bulk([(product, 1), (product, 1), (product, 100)]):
        shop.turn(line, "unknown", 500)


def sent_twice_and_arrived_late(shop: History) -> None:
    """The first sending was given up, the second refused; then the first one was carried out."""
    entry = shop.turn(shop.order(shop.product(1)), "refused", 409)
    entry["tries"] = 2


def changes_of_orders(shop: History) -> None:
    """More units, fewer, and another status with them."""
    product = shop.product(20, price=2.5)
    for quantity, to in ((5, None), (1, None), (4, "PAID"), (7, "CANCELED"), (None, "PAID"), (100, None)):
        order = shop.order(product, 3)["order_id"]
        shop.read_total(order)
        shop.change_order(order, quantity, to)
        shop.read_total(order)


def deletions_of_orders(shop: History) -> None:
    """Of live ones, shipped ones, canceled ones; also by who was not told that it was done."""
    product = shop.product(20)
    orders = [shop.order(product)["order_id"] for _ in range(5)]
    shop.act("cancel", orders[0])
    shop.act("pay", orders[1])
    shop.act("pay", orders[2])
    shop.act("ship", orders[2])
    for order in orders[:4]:
        shop.act("delete", order)
    shop.turn(shop.act("delete", orders[4]), "unknown")
    shop.act("delete", orders[0])  # refused: it is gone


def products_that_change(shop: History) -> None:
    """Prices, SKUs, stocks; and one that is deleted."""
    product = shop.product(5, price=2.5)
    shop.order(product)
    shop.change_product(product, price=3.75, sku="OTHER", stock=9)
    shop.read_total(shop.order(product)["order_id"])
    shop.turn(shop.change_product(product, price=4.0), "unknown")
    shop.order(product)
    shop.change_product(product, stock=0)
    shop.delete_product(product)  # refused: it was ordered
    shop.delete_product(shop.product(7))
    for entry in shop.bulk_create([("FIRST", 1), ("SECOND", 2)]):
        shop.change_product(entry["product_id"], sku=f"{entry['sku']}-2")
    shop.delete_product(entry["product_id"])


def what_cannot_be(shop: History) -> None:
    """Refusals of every kind, and ids that nothing has."""
    shop.order(2**63 - 1)
    shop.bulk([(2**63 - 1, 1), (shop.product(1), 2)])
    for act in ("pay", "ship", "cancel", "delete"):
        shop.act(act, 2**63 - 1)
    shop.adjust(2**63 - 1, 1)
    order = shop.order(CATALOGUE)["order_id"]
    shop.act("ship", order)
    shop.change_order(order, to="PENDING")
    sku = "SEED-LAPTOP-0010"  # of the catalogue
    shop.create(sku)
    shop.bulk_create([(sku, 1)])
    hostile = shop.attempt("create", sku="\0\"\\,\n'; --\u00e9", price=1.0, stock=1)
    shop.settle(hostile, "invalid_input")
    shop.order(CATALOGUE, key=shop.new_key() + "',\"\\;\t{}".replace("\t", ""))


def others_in_the_shop(shop: History) -> None:
    """With keys of their own on our products; without any on theirs; and years before us on both."""
    theirs = shop.call("create_product", "THEIRS", "Of theirs", 1, 5)[2]
    for product, key in ((CATALOGUE, "theirs-1"), (theirs, None), (theirs, "theirs-2")):
        order = shop.call("place_order", product, 2, key)[2]
        shop.call("pay_order", order)
    shop.call("cancel_order", order)
    shop.order(CATALOGUE)
    shop.read_total(order)


def a_race_that_was_cut_off(shop: History) -> None:
    """Fewer asked than there were units; one for whom there is no room left; one that was restocked."""
    shop.order(shop.product(3, race=True))
    cramped = shop.product(3, race=True)
    shop.order(cramped, 2)
    shop.order(cramped, 2)
    restocked = shop.product(1, race=True)
    shop.order(restocked)
    shop.order(restocked)
    shop.adjust(restocked, 1)


def sold_out_for_a_moment(shop: History) -> None:
    """Units come back by every way there is, and each refusal was true."""
    product = shop.product(2)
    order = shop.order(product, 2)["order_id"]
    shop.order(product)
    shop.act("cancel", order)
    order = shop.order(product, 2)["order_id"]
    shop.order(product)
    shop.change_order(order, 1)
    shop.order(product, 2)
    shop.act("delete", order)
    shop.order(product, 3)
    shop.change_product(product, stock=3)
    shop.order(product, 4)
    shop.adjust(product, 1)
    shop.order(product, 4)


def commits_that_took_long(shop: History) -> None:
    """What brought units was written seconds before anyone could see it: a refusal meanwhile was true."""
    shop.started -= 60
    shop.order(CATALOGUE)
    product = shop.product(3)
    order = shop.order(product, 2)["order_id"]
    shop.order(product, 2)
    shop.change_order(order, 1)
    shop.order(product, 3)
    shop.turn(shop.adjust(product, 5), "unknown", 503)
    shop.spoil("UPDATE stock_movements SET at = at - interval '8 s' WHERE product_id = %s", product)


def a_worker_that_was_lost(shop: History) -> None:
    """What it did last is in no ledger: orders, and all that it did with orders of which it had told."""
    product = shop.product(20, price=2.5)
    orders = [shop.order(product, 2)["order_id"] for _ in range(4)]
    shop.act("ship", orders[3])  # refused: it is not paid
    time.sleep(1.1)
    reported = len(shop.entries)
    shop.order(product)
    shop.act("delete", orders[0])
    shop.change_order(orders[1], 5)
    shop.act("cancel", orders[2])
    shop.act("pay", orders[3])
    shop.act("ship", orders[3])
    shop.change_product(product, price=7.5)
    shop.order(product)
    del shop.entries[reported:]
    shop.lose()


HEALTHY = [
    all_there_is,
    keys_used_again,
    refused_and_then_accepted,
    answers_that_never_came,
    sent_twice_and_arrived_late,
    changes_of_orders,
    deletions_of_orders,
    products_that_change,
    what_cannot_be,
    others_in_the_shop,
    a_race_that_was_cut_off,
    sold_out_for_a_moment,
    commits_that_took_long,
    a_worker_that_was_lost,
]


@pytest.mark.parametrize("happen", HEALTHY)
def test_a_healthy_shop_passes(history: History, happen: Callable[[History], None]) -> None:
    """Nothing is held against it, and nothing is in doubt."""
    happen(history)
    assert wanting(history.judged()) == {}


@pytest.mark.parametrize("lag", [3600, -3600])
@pytest.mark.parametrize("happen", [all_there_is, sold_out_for_a_moment, a_worker_that_was_lost])
def test_clocks_that_are_off_are_no_fault(
    database: TestDatabase, tmp_path: Path, happen: Callable[[History], None], lag: float
) -> None:
    """A worker's and the database's, by an hour: what was acknowledged tells by how much."""
    shop = History(database, tmp_path, lag=lag)
    happen(shop)
    assert wanting(shop.judged()) == {}
    shop.close()


@pytest.mark.parametrize("step", [3600, -3600])
def test_a_clock_that_is_set_in_the_run_is_no_fault(
    database: TestDatabase, tmp_path: Path, step: float
) -> None:
    """What was right by either time stays right, though it may be in doubt."""
    shop = History(database, tmp_path)
    sold_out_for_a_moment(shop)
    keys_used_again(shop)
    shop.lag = step
    sold_out_for_a_moment(shop)
    keys_used_again(shop)
    checks = shop.judged()
    shop.close()
    assert {name for name, check in checks.items() if check.verdict == "FAIL"} == set()


def test_a_database_whose_clock_is_set_back_is_no_fault(history: History) -> None:
    """The run's first orders are older than the run."""
    history.started += 5
    all_there_is(history)
    assert wanting(history.judged()) == {}


def test_every_check_has_something_to_look_at(history: History) -> None:
    """In a run with a bit of everything; in one that left no ledger none has."""
    assert {check.verdict for check in history.judged().values()} == {"NOT_ASKED"}
    all_there_is(history)
    assert {check.verdict for check in history.judged().values()} == {"PASS"}


def test_a_409_is_in_doubt_where_the_clock_is_unknown(database: TestDatabase, tmp_path: Path) -> None:
    """The worker's is an hour off, and nothing it was told says so."""
    shop = History(database, tmp_path)
    product = shop.product(2)
    theirs = shop.call("place_order", product, 1, "theirs")[2]
    shop.lag = -3600
    shop.order(product, 2)
    shop.call("cancel_order", theirs)
    check = shop.judged()["sold_out_was_true"]
    shop.close()
    assert (check.verdict, check.examined, check.count) == ("UNKNOWN", 1, 1)
    assert check.first is not None
    assert check.first["product_id"] == product
    assert "1 in doubt" in check.detail


def test_what_a_lost_worker_ordered_last_is_in_doubt(history: History) -> None:
    """Which is said, and is no fault of the shop's."""
    history.order(CATALOGUE)
    history.order(CATALOGUE)
    del history.entries[-1]
    history.lose()
    check = history.judged()["no_unexpected_orders"]
    assert (check.verdict, check.count) == ("PASS", 0)
    assert "1 in doubt" in check.detail


def test_racing_workers_pass(database: TestDatabase, tmp_path: Path) -> None:
    """Six at once on two products that sell out, one of them again and again: every refusal was true."""
    workers = [History(database, tmp_path, f"{number}-aaaaaa", lag=number / 10) for number in range(6)]
    scarce, raced = workers[0].product(6), workers[0].product(5, race=True)
    shared = workers[0].order(CATALOGUE)["order_id"]

    def work(shop: History) -> None:
        for number in range(60):
            order = shop.order(scarce, 1 + number % 3)
            shop.order(raced)
            shop.change_order(shared, 1 + number % 4)
            if order["outcome"] == "ok":
                shop.act("cancel" if number % 2 else "delete", order["order_id"])
            if number % 10 == 0:
                shop.adjust(scarce, 2 - number % 4)

    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(work, workers))
    for shop in workers[1:]:
        workers[0].entries += shop.entries
        shop.close()
    checks = workers[0].judged()
    workers[0].close()
    assert wanting(checks) == {}
    assert (checks["sold_out_was_true"].examined or 0) > 100
    assert checks["no_undersell"].examined == 1


# A shop that is not: what happened, the check that sees it, and what it says of the first offender.

Wrong = tuple[str, dict[str, Any]]


def a_stock_below_zero(shop: History) -> Wrong:
    """The constraint is gone, and one took too many."""
    product = shop.product(1)
    shop.spoil("ALTER TABLE products DROP CONSTRAINT stock_not_negative")
    shop.spoil("UPDATE products SET stock = -2 WHERE id = %s", product)
    return "no_negative_stock", {"what": "a stock of -2", "product_id": product}


def a_line_below_zero(shop: History) -> Wrong:
    """It was so for a moment: the stock has recovered since."""
    product = shop.product(1)
    order = shop.order(product)["order_id"]
    shop.spoil("ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_stock_after_check")
    shop.spoil("UPDATE stock_movements SET stock_after = -1 WHERE order_id = %s", order)
    return "no_negative_stock", {"product_id": product, "order_id": order}


def a_stock_without_movement(shop: History) -> Wrong:
    """Units from nowhere."""
    product = shop.product(3)
    shop.spoil("UPDATE products SET stock = 4 WHERE id = %s", product)
    return "stock_equals_movements", {
        "what": "a stock of 4, movements that add up to 3",
        "product_id": product,
    }


def a_movement_that_is_missing(shop: History) -> Wrong:
    """Of the first order; the line of the second says what its own sum does not."""
    product = shop.product(3)
    missing, following = (shop.order(product)["order_id"] for _ in range(2))
    shop.spoil("DELETE FROM stock_movements WHERE order_id = %s", missing)
    return "stock_equals_movements", {"product_id": product, "order_id": following}


def lines_in_the_wrong_order(shop: History) -> Wrong:
    """All adds up in the end, but not on the way."""
    product = shop.product(3)
    first, second = (shop.order(product)["order_id"] for _ in range(2))
    shop.spoil(
        "UPDATE stock_movements SET stock_after = 3 - stock_after WHERE order_id IN (%s, %s)", first, second
    )
    return "stock_equals_movements", {"product_id": product, "order_id": first}


def a_deleted_product_that_left_units(shop: History) -> Wrong:
    """It is gone, its sum is not 0."""
    product = shop.product(3)
    shop.delete_product(product)
    shop.spoil("UPDATE stock_movements SET delta = -2 WHERE product_id = %s AND kind = 'removed'", product)
    return "stock_equals_movements", {"product_id": product}


def the_last_unit_sold_twice(shop: History) -> Wrong:
    """Read, checked, then written: the second had read the same stock."""
    product = shop.product(1)
    shop.order(product)
    shop.spoil("UPDATE products SET stock = 1 WHERE id = %s", product)
    second = shop.order(product)["order_id"]
    return "no_oversell", {"product_id": product, "units": 1, "supplied": 1, "order_id": second}


def an_order_past_the_stock_ledger(shop: History) -> Wrong:
    """Live orders have more units than there ever were, and no line tells of it."""
    product = shop.product(1)
    shop.order(product)
    ((number,),) = shop.spoil(
        "INSERT INTO orders (product_id, quantity, unit_price, created_at) VALUES (%s, 2, 1, now()) "
        "RETURNING id",
        product,
    )
    return "no_oversell", {"product_id": product, "units": 2, "order_id": number}


def a_race_with_units_left(shop: History) -> Wrong:
    """Three wanted one, two units are there still."""
    product = shop.product(3, race=True)
    shop.order(product)
    key = shop.refuse_order(product)["key"]
    shop.refuse_order(product)
    return "no_undersell", {"product_id": product, "units": 2, "key": key}


def a_lost_order(shop: History) -> Wrong:
    """Acknowledged, then rolled back."""
    lost = shop.order(CATALOGUE)
    shop.spoil("DELETE FROM orders WHERE id = %s", lost["order_id"])
    shop.spoil("DELETE FROM order_keys WHERE order_id = %s", lost["order_id"])
    return "acknowledged_orders_kept", named(lost, what="acknowledged, but not in the database")


def an_order_of_another_quantity(shop: History) -> Wrong:
    """Than the one that was acknowledged."""
    order = shop.order(CATALOGUE, 3)
    shop.spoil("UPDATE orders SET quantity = 2 WHERE id = %s", order["order_id"])
    return "acknowledged_orders_kept", named(order)


def an_order_whose_id_was_given_again(shop: History) -> Wrong:
    """The database died, and with it the order; the next one got its id."""
    lost, next_one = shop.order(CATALOGUE), shop.order(CATALOGUE)
    shop.spoil("DELETE FROM order_keys WHERE key = %s", lost["key"])
    shop.spoil("UPDATE order_keys SET order_id = %s WHERE key = %s", lost["order_id"], next_one["key"])
    return "acknowledged_orders_kept", named(lost)


def an_answer_without_an_id(shop: History) -> Wrong:
    """201 and nothing else."""
    order = shop.order(CATALOGUE)
    del order["order_id"]
    return "acknowledged_orders_kept", {"key": order["key"], "what": "acknowledged, but without an id"}


def a_phantom_order(shop: History) -> Wrong:
    """Nobody ordered it, and it has no key."""
    shop.order(CATALOGUE)
    number = shop.call("place_order", CATALOGUE, 1, None)[2]
    return "no_unexpected_orders", {"order_id": number, "product_id": CATALOGUE}


def a_key_that_nobody_used(shop: History) -> Wrong:
    """Under a prefix of ours."""
    key = f"{RUN}/{WORKER}/99"
    number = shop.call("place_order", CATALOGUE, 1, key)[2]
    return "no_unexpected_orders", {"order_id": number, "key": key}


def a_key_without_its_order(shop: History) -> Wrong:
    """Nobody was told of it; it is half there."""
    order = shop.order(CATALOGUE)
    shop.spoil("DELETE FROM orders WHERE id = %s", order["order_id"])
    shop.spoil("DELETE FROM stock_movements WHERE order_id = %s", order["order_id"])
    shop.turn(order, "unknown")
    return "no_unexpected_orders", {"key": order["key"], "what": "a key without its order"}


def a_key_that_was_ignored(shop: History) -> Wrong:
    """The repetition is another order, of which a client was told as well."""
    first, second = shop.order(CATALOGUE), shop.order(CATALOGUE)
    shop.spoil("DELETE FROM order_keys WHERE key = %s", second["key"])
    second["key"] = first["key"]
    return "one_order_per_key", named(second)


def a_key_that_is_not_remembered(shop: History) -> Wrong:
    """A repetition would be another order."""
    order = shop.order(CATALOGUE)
    shop.spoil("DELETE FROM order_keys WHERE key = %s", order["key"])
    return "one_order_per_key", named(order)


def a_key_with_two_orders(shop: History) -> Wrong:
    """The second of which nobody was told."""
    order = shop.order(CATALOGUE)
    shop.spoil("ALTER TABLE order_keys DROP CONSTRAINT order_keys_pkey")
    second = shop.call("place_order", CATALOGUE, 1, "other")[2]
    shop.spoil("UPDATE order_keys SET key = %s WHERE key = 'other'", order["key"])
    return "one_order_per_key", {"order_id": second, "key": order["key"]}


def units_taken_twice_for_one_order(shop: History) -> Wrong:
    """Two lines in the stock ledger."""
    order = shop.order(CATALOGUE, 2)
    shop.spoil("UPDATE products SET stock = stock - 2 WHERE id = %s", CATALOGUE)
    shop.spoil(
        "INSERT INTO stock_movements (product_id, order_id, delta, stock_after, kind) "
        "SELECT product_id, order_id, delta, stock_after - 2, kind FROM stock_movements WHERE order_id = %s",
        order["order_id"],
    )
    return "one_order_per_key", {"order_id": order["order_id"], "key": order["key"]}


def a_refused_order_that_is_there(shop: History) -> Wrong:
    """409 and an order."""
    order = shop.order(CATALOGUE)
    number = order["order_id"]
    shop.turn(order, "refused", 409)
    return "refused_means_no_effect", {"order_id": number, "key": order["key"]}


def units_taken_for_nothing(shop: History) -> Wrong:
    """A line for an order that there is not."""
    order = shop.order(CATALOGUE, 2)
    number = order["order_id"]
    shop.spoil("DELETE FROM orders WHERE id = %s", number)
    shop.spoil("DELETE FROM order_keys WHERE order_id = %s", number)
    shop.turn(order, "refused", 409)
    return "refused_means_no_effect", {"order_id": number, "product_id": CATALOGUE}


def a_payment_refused_and_booked(shop: History) -> Wrong:
    """422, and paid."""
    order = shop.order(CATALOGUE)["order_id"]
    shop.turn(shop.act("pay", order), "refused", 422)
    return "refused_means_no_effect", {"order_id": order}


def a_cancellation_refused_and_done(shop: History) -> Wrong:
    """By a change of the status."""
    order = shop.order(CATALOGUE)["order_id"]
    shop.turn(shop.change_order(order, to="CANCELED"), "refused", 422)
    return "refused_means_no_effect", {"order_id": order}


def a_product_refused_and_made(shop: History) -> Wrong:
    """422, and there."""
    shop.order(CATALOGUE)
    created = shop.create("REFUSED")
    product = created["product_id"]
    shop.turn(created, "refused", 422)
    return "refused_means_no_effect", {"sku": "REFUSED", "product_id": product}


def an_adjustment_refused_and_made(shop: History) -> Wrong:
    """422, and more stock."""
    adjusted = shop.turn(shop.adjust(CATALOGUE, 5), "refused", 422)
    return "refused_means_no_effect", {"product_id": CATALOGUE, "key": adjusted["key"]}


def an_adjustment_that_was_not_made(shop: History) -> Wrong:
    """200, five units applied; the stock and its ledger know of none."""
    adjusted = shop.adjust(CATALOGUE, 5)
    shop.spoil("DELETE FROM stock_movements WHERE reason = %s", adjusted["key"])
    shop.spoil("UPDATE products SET stock = stock - 5 WHERE id = %s", CATALOGUE)
    return "stock_equals_movements", {"product_id": CATALOGUE, "key": adjusted["key"]}


def a_product_that_was_not_made(shop: History) -> Wrong:
    """201, and nothing of it is left."""
    product = shop.product(4)
    shop.spoil("DELETE FROM products WHERE id = %s", product)
    shop.spoil("DELETE FROM stock_movements WHERE product_id = %s", product)
    return "stock_equals_movements", {"product_id": product}


def a_deletion_that_was_not_done(shop: History) -> Wrong:
    """200, and the order is there as before."""
    order = shop.order(CATALOGUE, 3)["order_id"]
    shop.settle(shop.attempt("delete", order_id=order), "done")
    return "legal_status_paths", {"order_id": order, "what": "acknowledged as DELETED, and is not"}


def a_change_that_was_not_made(shop: History) -> Wrong:
    """Told that it has seven units now; three it has had, and five."""
    order = shop.order(CATALOGUE, 3)["order_id"]
    shop.change_order(order, 5)
    change = shop.settle(shop.attempt("change_order", order_id=order, quantity=7), "done")
    return "acknowledged_orders_kept", {"order_id": order, "worker": change["worker"]}


def a_product_that_was_not_removed(shop: History) -> Wrong:
    """200, and it can be bought as before."""
    shop.settle(shop.attempt("delete_product", product_id=CATALOGUE), "done")
    return "stock_equals_movements", {"product_id": CATALOGUE}


def a_total_that_is_no_number(shop: History) -> Wrong:
    """A string, say."""
    order = shop.order(CATALOGUE, 3)["order_id"]
    shop.settle(shop.attempt("total", order_id=order), "done", total_value=None)
    return "totals_at_order_price", {"order_id": order}


def a_false_sold_out(shop: History) -> Wrong:
    """There was plenty all the time."""
    shop.order(CATALOGUE)
    refused = shop.refuse_order(CATALOGUE, 5)
    return "sold_out_was_true", {"product_id": CATALOGUE, "key": refused["key"], "worker": WORKER}


def a_false_sold_out_after_a_delivery(shop: History) -> Wrong:
    """There had been too few; not any more."""
    product = shop.product(1)
    shop.order(product, 2)
    shop.adjust(product, 5)
    time.sleep(0.1)
    shop.order(product)
    refused = shop.refuse_order(product, 2)
    return "sold_out_was_true", {"key": refused["key"]}


def a_false_sold_out_of_what_is_new(shop: History) -> Wrong:
    """It has just been made; before, there was none."""
    shop.order(CATALOGUE)
    refused = shop.refuse_order(shop.product(5))
    return "sold_out_was_true", {"key": refused["key"]}


def a_refusal_that_contradicts_itself(shop: History) -> Wrong:
    """It was too few, but says that it was enough."""
    refused = shop.order(shop.product(1), 2)
    refused["available"] = 2
    return "sold_out_was_true", {"key": refused["key"]}


def shipped_and_canceled(shop: History) -> Wrong:
    """Both stand in the row."""
    order = shop.order(CATALOGUE)["order_id"]
    shop.act("pay", order)
    shop.act("ship", order)
    shop.spoil("ALTER TABLE orders DROP CONSTRAINT orders_check1")
    shop.spoil("ALTER TABLE orders DROP CONSTRAINT orders_check2")
    shop.spoil("UPDATE orders SET status = 'CANCELED', canceled_at = now() WHERE id = %s", order)
    return "legal_status_paths", {"order_id": order, "product_id": CATALOGUE}


def told_shipped_and_canceled(shop: History) -> Wrong:
    """Two clients went away content; the row is in order."""
    order = shop.order(CATALOGUE)["order_id"]
    shop.act("pay", order)
    shop.act("ship", order)
    shop.settle(shop.attempt("cancel", order_id=order), "done")
    return "legal_status_paths", {"order_id": order}


def a_payment_that_is_not_booked(shop: History) -> Wrong:
    """Acknowledged."""
    order = shop.order(CATALOGUE)["order_id"]
    shop.settle(shop.attempt("pay", order_id=order), "done")
    return "legal_status_paths", {"order_id": order, "what": "acknowledged as PAID, and is not"}


def units_returned_twice(shop: History) -> Wrong:
    """Two cancellations, and both gave back."""
    order = shop.order(CATALOGUE, 3)["order_id"]
    shop.act("cancel", order)
    shop.database.query("SELECT return_units(%s, %s, 3, 'canceled')", CATALOGUE, order)
    return "legal_status_paths", {
        "order_id": order,
        "what": "CANCELED, with 6 of 3 units returned, in 2 lines",
    }


def units_not_returned(shop: History) -> Wrong:
    """Canceled in name only; and another order's units came back, though it is live: the sum is right."""
    canceled, live = (shop.order(CATALOGUE, 3)["order_id"] for _ in range(2))
    shop.act("cancel", canceled)
    shop.spoil("UPDATE stock_movements SET order_id = %s WHERE kind = 'canceled'", live)
    return "legal_status_paths", {
        "order_id": canceled,
        "what": "CANCELED, with 0 of 3 units returned, in 0 lines",
    }


def a_deletion_that_keeps_units(shop: History) -> Wrong:
    """The order was live."""
    order = shop.order(CATALOGUE, 3)["order_id"]
    shop.act("delete", order)
    shop.spoil("UPDATE stock_movements SET delta = 0 WHERE kind = 'deleted'")
    return "legal_status_paths", {"order_id": order, "what": "deleted in 1 lines, with 0 of 3 units returned"}


def the_price_of_today_in_the_total(shop: History) -> Wrong:
    """What was ordered at 2.50 is read at 3.00."""
    product = shop.product(9, price=2.5)
    order = shop.order(product, 4)["order_id"]
    shop.change_product(product, price=3.0)
    total = shop.read_total(order)
    total["total_value"] = 12.0
    return "totals_at_order_price", {"order_id": order, "what": "a total of 12, for 4 at 2.50"}


def a_price_that_never_was(shop: History) -> Wrong:
    """Of a product that has had two."""
    product = shop.product(9, price=2.5)
    shop.change_product(product, price=3.0)
    order = shop.order(product)["order_id"]
    shop.spoil("UPDATE orders SET unit_price = 2.75 WHERE id = %s", order)
    return "totals_at_order_price", {"order_id": order, "product_id": product}


def a_line_of_a_bulk_call_that_is_lost(shop: History) -> Wrong:
    """The others are there."""
    lost = shop.bulk([(CATALOGUE, 1), (CATALOGUE, 2)])[1]
    shop.erase(lost["order_id"])
    return "bulk_matches_rows", named(lost)


def a_refused_line_that_is_there(shop: History) -> Wrong:
    """Placed, and told that it was not."""
    line = shop.bulk([(CATALOGUE, 1), (CATALOGUE, 2)])[0]
    number = line["order_id"]
    shop.turn(line, "refused", 404)
    return "bulk_matches_rows", {"order_id": number, "key": line["key"]}


def a_bulk_call_half_done(shop: History) -> Wrong:
    """It failed, and left its first line behind."""
    product = shop.product(9)
    lines = shop.bulk([(product, 1), (product, 2)])
    shop.erase(lines[1]["order_id"])
    shop.spoil("UPDATE products SET stock = 8 WHERE id = %s", product)
    for line in lines:
        shop.turn(line, "unknown", 500)
    return "bulk_matches_rows", {"key": lines[0]["key"].removesuffix("#0"), "worker": WORKER}


def a_product_of_a_bulk_call_that_is_not_there(shop: History) -> Wrong:
    """Told to be created."""
    created = shop.bulk_create([("ONE", 1), ("TWO", 2)])[1]
    shop.spoil("DELETE FROM products WHERE id = %s", created["product_id"])
    shop.spoil("DELETE FROM stock_movements WHERE product_id = %s", created["product_id"])
    return "bulk_matches_rows", {"product_id": created["product_id"], "sku": "TWO"}


def named(entry: Entry, **more: Any) -> dict[str, Any]:
    """What an offender says of an order that a client was told of."""
    return {name: entry[name] for name in ("order_id", "key", "worker", "product_id")} | more


WRONG = [
    a_stock_below_zero,
    a_line_below_zero,
    a_stock_without_movement,
    a_movement_that_is_missing,
    lines_in_the_wrong_order,
    a_deleted_product_that_left_units,
    the_last_unit_sold_twice,
    an_order_past_the_stock_ledger,
    a_race_with_units_left,
    a_lost_order,
    an_order_of_another_quantity,
    an_order_whose_id_was_given_again,
    an_answer_without_an_id,
    a_phantom_order,
    a_key_that_nobody_used,
    a_key_without_its_order,
    a_key_that_was_ignored,
    a_key_that_is_not_remembered,
    a_key_with_two_orders,
    units_taken_twice_for_one_order,
    a_refused_order_that_is_there,
    units_taken_for_nothing,
    a_payment_refused_and_booked,
    a_cancellation_refused_and_done,
    a_product_refused_and_made,
    an_adjustment_refused_and_made,
    an_adjustment_that_was_not_made,
    a_product_that_was_not_made,
    a_deletion_that_was_not_done,
    a_change_that_was_not_made,
    a_product_that_was_not_removed,
    a_total_that_is_no_number,
    a_false_sold_out,
    a_false_sold_out_after_a_delivery,
    a_false_sold_out_of_what_is_new,
    a_refusal_that_contradicts_itself,
    shipped_and_canceled,
    told_shipped_and_canceled,
    a_payment_that_is_not_booked,
    units_returned_twice,
    units_not_returned,
    a_deletion_that_keeps_units,
    the_price_of_today_in_the_total,
    a_price_that_never_was,
    a_line_of_a_bulk_call_that_is_lost,
    a_refused_line_that_is_there,
    a_bulk_call_half_done,
    a_product_of_a_bulk_call_that_is_not_there,
]


@pytest.mark.parametrize("happen", WRONG)
def test_wrong_data_is_seen(history: History, happen: Callable[[History], Wrong]) -> None:
    """By the check whose affair it is, whatever others see of it; among much that is right."""
    for _ in range(3):
        history.order(CATALOGUE)
    name, offender = happen(history)
    history.order(CATALOGUE)
    check = history.judged()[name]
    assert check.verdict == "FAIL", check
    assert check.first is not None
    assert check.worst is not None
    assert offender.items() <= check.first.items()
