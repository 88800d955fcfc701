"""What readers are given: hostile values and texts, and mutations of what is right."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

MOST_CHARACTERS = 64 * 1024
"""Of a text: the master's UI accepts no larger form, and a worse than linear reader shows itself."""

TEXTS = (
    *("", " ", "\n", "\x00", "\x1b[31m", "\u202e", "\u2028", "\ud800", "é" * 300, "x" * 3000),
    *("NaN", "-1", "1e999", "0x10", "٣", "9" * 5000, "1_000", "</script>", "| `x` |", "::error::", "%s{0}"),
)

NUMBERS = (
    *(0, -1, 1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1),
    *(0.5, -0.0, 1e-300, 1e18, -1e18, 1.7e308, -1.7e308),
)

STRINGS = st.one_of(
    st.sampled_from([text for text in TEXTS if text != "\ud800"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
"""Texts that can be encoded."""

INTEGERS = st.one_of(st.sampled_from([n for n in NUMBERS if isinstance(n, int)]), st.integers(-10, 10_000))
FLOATS = st.one_of(
    st.sampled_from([float(n) for n in NUMBERS]), st.floats(allow_nan=False, allow_infinity=False)
)

JUST_JSON: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from((None, True, False, [], {}, [[]], {"a": {}}, [None] * 5)), INTEGERS, FLOATS, STRINGS
)
"""Any value that JSON has."""

ALIKE: dict[type, st.SearchStrategy[Any]] = {
    int: INTEGERS,
    float: FLOATS,
    str: STRINGS,
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
}
"""Other values of the same type."""


CHANGES = ("alike", "alike", "value", "remove", "rename", "repeat")


@st.composite
def texts(draw: st.DrawFn, tokens: Sequence[str]) -> str:
    """Return a text of the reader's own tokens, one of them repeated so often that quadratic work shows."""
    own = st.sampled_from(list(tokens))
    if draw(st.booleans()):
        any_text = st.one_of(own, own, st.sampled_from(TEXTS), st.text(max_size=8))
        return "".join(draw(st.lists(any_text, max_size=20)))[:MOST_CHARACTERS]
    before, repeated = "".join(draw(st.lists(own, max_size=2))), draw(own)
    times = max(0, MOST_CHARACTERS - len(before)) // len(repeated)
    return before + repeated * times + draw(own)


@st.composite
def mutated(
    draw: st.DrawFn, right: Any, values: st.SearchStrategy[Any] = JUST_JSON, changes: Sequence[str] = CHANGES
) -> Any:
    """Return a copy of lists, dicts and values, changed in up to four places."""
    tree = {"": copy.deepcopy(right)}
    for _ in range(draw(st.integers(1, 4))):
        if everywhere := list(places(tree)):
            _change(draw, *everywhere[draw(st.integers(0, len(everywhere) - 1))], values, changes)
    return tree.get("")


def _change(
    draw: st.DrawFn, container: Any, key: Any, values: st.SearchStrategy[Any], changes: Sequence[str]
) -> None:
    change = draw(st.sampled_from(changes))
    if change == "remove":
        del container[key]
    elif change == "rename" and isinstance(container, dict):
        container[draw(STRINGS)] = container.pop(key)
    elif change == "repeat" and isinstance(container, list):
        container[key:key] = [copy.deepcopy(container[key])] * draw(st.sampled_from((1, 2, 100)))
    else:
        new = draw(ALIKE.get(type(container[key]), values) if change == "alike" else values)
        container[key] = copy.deepcopy(new)  # a later change must not reach into the strategy


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place of a tree: the list or dict, and the index or key in it."""
    if isinstance(tree, dict | list):
        for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
            yield tree, key
            yield from places(tree[key])
