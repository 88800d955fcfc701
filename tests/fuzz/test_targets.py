"""A text of targets is parsed or refused, whatever it is; what was parsed reads back the same."""

from __future__ import annotations

from hypothesis import example, given

from stampede.targets.parser import TargetError, parse
from tests.fuzz.cases import case, length
from tests.fuzz.inputs import texts

TOKENS = (
    *(
        "p95 < 300ms, ",
        "p95 < 300ms",
        "errors = 0",
        "stable",
        "rps >= 500",
        "cpu of api < 90%",
        "5xx <= 1%",
        " ",
        ", ",
        ";",
        "\n",
    ),
    *(
        "p",
        "p99.9",
        "POST/GET ",
        "/orders/",
        "of ",
        "complex",
        "every route ",
        "from start ",
        "for 10s",
        ", abort",
    ),
    *("(optional)", "(", "( ", ")", '"', "'", '"a"', "<", "≤", "==", "1.5", "0", "gb", "memory of workers"),
)


@length()
@example("errors = 0, " * 5_400)  # it took 3 s
@given(texts(TOKENS))
def test_a_text_is_parsed_or_refused(text: str) -> None:
    with case("targets", TargetError):
        for target in parse(text)[:20]:
            assert parse(target.text) == (target,)
