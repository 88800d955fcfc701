"""A file of profiles is read or refused with its reason, whatever is in it; so are the settings of a run."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stampede.plan.profiles import ProfileError, override, read, refuse_too_short
from tests.fuzz.cases import case, length
from tests.fuzz.inputs import JUST_JSON, texts

TOKENS = (
    *("[smoke]\n", "[[smoke]]\n", "users = 20\n", "spawn_rate = 10\n", 'run_time = "10m"\n', "pace = 750\n"),
    *(
        'pace = "none"\n',
        'targets = ["p95 < 300ms"]\n',
        "stages = [",
        "{users = 1, spawn_rate = 1, duration = '9s'}",
    ),
    *(
        "overload = true\n",
        "user_classes = ['A']\n",
        "[",
        "{",
        "a=",
        "]",
        "}",
        "'''",
        '"',
        ".",
        "= 1e400\n",
        "\r",
    ),
)
TIMES = st.sampled_from(("10s", "1h30m", "0s", "9" * 400 + "h", "", "10", "-5s", "٣s", 1e300, 0, 10**400))
NUMBERS = st.sampled_from((0, 1, 20, 10**6, 10**30, 10**400, 0.5, 1e-320, 1e308, True, "20", "nan"))
KEYS = ("users", "spawn_rate", "rate", "run_time", "targets", "own_pace", "own_users")


def checked(content: bytes, settings: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "profiles.toml"
        file.write_bytes(content)
        with case("profiles", ProfileError):
            for plan in read(file).values():
                refuse_too_short(plan)
                json.dumps([dict(plan.options), plan.duration, plan.window_pace], allow_nan=False)
                changed = override(plan, settings)
                json.dumps([dict(changed.options), changed.duration, changed.window_pace], allow_nan=False)


@length()
@given(st.one_of(texts(TOKENS).map(lambda text: text.encode(errors="replace")), st.binary(max_size=200)))
def test_a_file_is_read_or_refused(content: bytes) -> None:
    checked(content, {})


@st.composite
def profiles(draw: st.DrawFn) -> bytes:
    """Return a file with a profile that is almost right."""
    number, time = NUMBERS.map(toml), TIMES.map(toml)
    load = [f"users = {draw(number)}", f"spawn_rate = {draw(number)}"]
    if draw(st.booleans()):
        stages = draw(st.lists(st.tuples(number, number, time), max_size=3))
        rows = [f"{{users = {u}, spawn_rate = {s}, duration = {d}}}" for u, s, d in stages]
        lines = [f"stages = [{', '.join(rows)}]"]
    else:
        lines = [*load, f"run_time = {draw(time)}"]
    if draw(st.booleans()):
        lines.append(f"pace = {draw(number)}")
    if draw(st.booleans()):
        lines.append('targets = ["rps >= 500", "p95 < 3s"]')
    return "\n".join(["[smoke]", *lines, ""]).encode()


def toml(value: Any) -> str:
    """Return a value as TOML, whose strings and numbers JSON has too."""
    return json.dumps(value)


SETTINGS = st.fixed_dictionaries({}, optional={key: st.one_of(NUMBERS, TIMES, JUST_JSON) for key in KEYS})


@length()
@given(profiles(), SETTINGS)
def test_a_profile_with_settings_is_a_plan_or_refused(content: bytes, settings: dict[str, Any]) -> None:
    checked(content, settings)
