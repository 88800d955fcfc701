"""The host of a run that names none."""

from __future__ import annotations

from argparse import Namespace

import pytest
from locust import User
from locust.env import Environment

from stampede.plan.cast import CastError
from stampede.plan.hosts import Hosts, Target

SHOP = "http://127.0.0.1:8000"


class Plain(User):
    """States no host."""


def users() -> tuple[type[User], type[User], type[User]]:
    """New classes, as a run changes their hosts."""

    class Visitor(User):
        host = "http://mine:1"

    class Buyer(User):
        host = "http://mine:1/"

    class Stock(User):
        host = "http://stock:2"

    return Visitor, Buyer, Stock


def hosts(*classes: type[User], stated: str | None = None) -> Hosts:
    environment = Environment(user_classes=[*classes], host=stated)
    environment.available_user_classes = {cls.__name__: cls for cls in classes}
    environment.parsed_options = Namespace(stampede_fallback_host=SHOP)
    return Hosts(environment)


def test_a_stated_host_comes_first() -> None:
    """As in stock Locust; the host of a class is then not even allowed: it may be of production."""
    visitor, *_ = users()
    known = hosts(visitor, stated="http://staging:1")
    assert known.choose([visitor]) == Target("http://staging:1")
    assert known.allowed == ["http://staging:1"]
    assert known.shown_at_first([visitor]) == "http://staging:1"


def test_the_host_of_the_classes_comes_next() -> None:
    """Where all that state one state the same; the form leaves it to Locust, which shows it."""
    visitor, buyer, _ = users()
    known = hosts(visitor, buyer, Plain)
    assert known.choose([visitor, buyer, Plain]) == Target("http://mine:1", ("Buyer", "Visitor"))
    assert "http://mine:1" in known.allowed
    assert known.shown_at_first([visitor, Plain]) is None


def test_the_clusters_api_is_the_host_where_no_class_that_takes_part_states_one() -> None:
    visitor, *_ = users()
    known = hosts(visitor, Plain)
    assert known.choose([Plain]) == Target(SHOP)
    assert known.shown_at_first([Plain]) == SHOP


def test_different_hosts_are_refused_with_each_class() -> None:
    visitor, _, stock = users()
    complaint = "different hosts: Stock http://stock:2, Visitor http://mine:1: set HOST="
    with pytest.raises(CastError, match=complaint):
        hosts(visitor, stock).choose([visitor, stock])
    assert hosts(visitor, stock).choose([stock]).host == "http://stock:2"


def test_the_host_of_a_class_outlives_a_run() -> None:
    """At each start, Locust sets the host of every class."""
    visitor, *_ = users()
    known = hosts(visitor)
    visitor.host = "http://other:9"
    assert known.choose([visitor]).host == "http://mine:1"


@pytest.mark.parametrize("host", ["http://localhost:8089", "http://127.0.0.1:5557/", "http://postgres:5432"])
def test_a_port_of_the_cluster_is_no_host(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Whether the form, --host or a class states it."""
    monkeypatch.setenv("STAMPEDE_OWN_PORTS", "localhost:8089 localhost:5557 postgres:5432")

    class Visitor(User):
        pass

    Visitor.host = host
    for known in (hosts(Visitor), hosts(Plain, stated=host)):
        with pytest.raises(
            CastError, match="is a port of this cluster, which is never a target: set another HOST"
        ):
            known.choose([Visitor])
    with pytest.raises(CastError, match="is a port of this cluster"):
        hosts(Plain).refuse_own(host)
    hosts(Plain).refuse_own("http://localhost:8000")
    hosts(Plain).refuse_own(None)
