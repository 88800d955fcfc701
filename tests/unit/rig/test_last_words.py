"""The line a user needs is found among those that a log ends with."""

import pytest

from stampede.rig.last_words import last_words


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("starting\napi: port 80 is in use\n[INFO] bye\n\n", "api: port 80 is in use"),  # ours, not the last
        ("stampede: one\nstampede: two\n", "two"),  # the newest of ours, as the rig repeats it
        ("first\n  last  \n", "last"),  # none of ours
        ("an api: in the middle\nlast", "last"),  # only where a line begins so
        ("", "it printed nothing"),
        (None, "it printed nothing"),
    ],
)
def test_the_last_words_are_those_for_a_user(log: str | None, words: str) -> None:
    """Ours before others', newer before older."""
    assert last_words(log) == words
