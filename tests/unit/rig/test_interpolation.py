"""Variables in a text: each rule, with a value, an empty one, and none."""

from __future__ import annotations

import pytest

from stampede.rig.interpolation import InterpolationError, interpolate

VALUES = {"SET": "value", "EMPTY": ""}


@pytest.mark.parametrize(
    ("rule", "of_set", "of_empty", "of_missing"),
    [
        ("", "value", "", ""),
        (":-text", "value", "text", "text"),
        ("-text", "value", "", "text"),
        (":+text", "text", "", ""),
        ("+text", "text", "text", ""),
        (":-<$SET>", "value", "<value>", "<value>"),
        (":-${NONE:-{}}", "value", "{}", "{}"),
    ],
)
def test_a_rule_says_what_stands_for_a_variable(
    rule: str, of_set: str, of_empty: str, of_missing: str
) -> None:
    texts = [f"a{{${name}{rule}}}z".replace("{$", "${") for name in ("SET", "EMPTY", "NONE")]
    found = [interpolate(text, VALUES.get, lambda _: None) for text in texts]
    assert found == [f"a{value}z" for value in (of_set, of_empty, of_missing)]


@pytest.mark.parametrize(("rule", "refused"), [(":?", ("EMPTY", "NONE")), ("?", ("NONE",))])
def test_a_variable_can_be_required(rule: str, refused: tuple[str, ...]) -> None:
    for name in ("SET", "EMPTY", "NONE"):
        text = f"${{{name}{rule}say it}}"
        if name in refused:
            with pytest.raises(InterpolationError, match=r"^its value needs a variable that is not set"):
                interpolate(text, VALUES.get, lambda _: None)
        else:
            assert interpolate(text, VALUES.get, lambda _: None) == VALUES[name]


def test_a_plain_variable_without_a_value_is_reported() -> None:
    """One that has a text for that is not."""
    missing: list[str] = []
    assert (
        interpolate("$NONE ${NIL} ${NO:-x} ${NO:+x} $$NONE 5$ $1", VALUES.get, missing.append)
        == "  x  $NONE 5$ $1"
    )
    assert missing == ["NONE", "NIL"]
