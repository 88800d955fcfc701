"""The server's answers to the shop's customers."""

from __future__ import annotations

import json

import pytest

from bench.journey import rules
from bench.server import Rule


def answer_to(method: str, path: str) -> Rule:
    """The first rule that fits, as in server.c."""
    return next(rule for rule in rules() if rule.method == method and path.startswith(rule.prefix))


@pytest.mark.parametrize(
    ("method", "path", "status", "field"),
    [
        ("GET", "/products/?page=1&per_page=20", "200 OK", "total_pages"),
        ("POST", "/orders/", "201 Created", "created_at"),
        ("POST", "/orders/1234/pay", "200 OK", "status"),
        ("GET", "/orders/?status=PAID", "200 OK", "orders"),
        ("GET", "/orders/1234", "200 OK", "total_value"),
    ],
)
def test_each_request_of_the_journey_has_its_answer(method: str, path: str, status: str, field: str) -> None:
    """The order of the rules matters: /orders/ is a prefix of most paths."""
    rule = answer_to(method, path)
    head, body = rule.answer.split(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status}\r\n".encode())
    assert f"content-length: {len(body)}".encode() in head
    assert field in json.loads(body)
