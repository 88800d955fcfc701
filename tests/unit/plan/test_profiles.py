"""Profiles become plans; what cannot be run is refused with the place of the mistake."""

from pathlib import Path

import pytest

from stampede.plan import profiles
from stampede.plan.profiles import UNPACED, Plan, ProfileError, Stage

SHIPPED = Path("load_tests/profiles.toml")
ONE = '[x]\nusers = 1\nspawn_rate = 1\nrun_time = "1m"\n'
"""A profile that can be run."""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "profiles.toml"
    path.write_text(text)
    return path


def test_a_flat_profile_is_one_stage(tmp_path: Path) -> None:
    """users, spawn_rate and run_time make one stage; pace is a rate."""
    path = write(tmp_path, '[x]\nusers = 10\nspawn_rate = 2\nrun_time = "2m"\npace = 150\n')
    assert profiles.read(path)["x"] == Plan("x", (Stage(10, 2, 120),), 150)


def test_stages_follow_each_other(tmp_path: Path) -> None:
    """A staged plan lasts as long as its stages together, and is as large as the largest."""
    path = write(
        tmp_path,
        '[x]\npace = "none"\nstages = [{users=10, spawn_rate=5, duration="30s"},'
        ' {users=100, spawn_rate=5, duration="1m"}]\n',
    )
    plan = profiles.read(path)["x"]
    assert (plan.users, plan.duration, plan.pace) == (100, 90, UNPACED)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[x]\nusers = 0\nspawn_rate = 1\nrun_time = "1m"', r"\[x\] users must be a number over 0, not 0"),
        ('[x]\nusers = "9"\nspawn_rate = 1\nrun_time = "1m"', "users must be a number over 0, not '9'"),
        ('[x]\nusers = 1.5\nspawn_rate = 1\nrun_time = "1m"', "users must be a whole number, not 1.5"),
        ('[x]\nusers = true\nspawn_rate = 1\nrun_time = "1m"', "users must be a number"),
        ('[x]\nusers = 1\nspawn_rate = inf\nrun_time = "1m"', "spawn_rate must be a number over 0"),
        ('[x]\nusers = 1\nspawn_rate = 1e-7\nrun_time = "1m"', r"\[x\] spawn_rate must be from 0.000001 to"),
        (f'[x]\nusers = 1{"0" * 400}\nspawn_rate = 1\nrun_time = "1m"', "users must be from 0.000001 to"),
        (f'[x]\nusers = 0x{"f" * 5000}\nspawn_rate = 1\nrun_time = "1m"', "profiles.toml: "),
        (f"{ONE}targets = {'[' * 5000}", "it is nested too deeply"),
        ('[x]\nusers = 1\nspawn_rate = 1\nrun_time = "1x"', "run_time must be a time such as"),
        ("[x]\nusers = 1\nspawn_rate = 1\nrun_time = 60", "run_time must be a time such as"),
        ('[x]\nusers = 1\nspawn_rate = 1\nrun_time = "9999999999999h"', "run_time must be a time such as"),
        ("[x]\nusers = 1\nspawn_rate = 1", "run_time must be a time such as"),
        ('[x]\nusers = 1\nspawn_rate = 1\nrun_time = "1m"\npace = "fast"', "pace must be a number over 0"),
        ('[x]\nusres = 1\nspawn_rate = 1\nrun_time = "1m"', r"\[x\] has no 'usres'"),
        ("[x]\nstages = [{users=1, spawn_rate=1, run_time='1m'}]", r"\[x\] has no 'run_time'"),
        (f'{ONE}targets = "p95 << 3"', r"\[x\] targets, column 5: '<<'"),
        (f'{ONE}targets = ["rps > 5", "p95 << 3"]', r"\[x\] targets, number 2, column 5: '<<'"),
        (f"{ONE}targets = 5", r"\[x\] targets must be a text such as"),
        ("[x]\nstages = 3", r"\[x\] stages must be a list"),
        ("[x]\nstages = []", r"\[x\] has no stages"),
        (
            f"{ONE}stages = [{{users=1, spawn_rate=1, duration='1m'}}]",
            r"\[x\] has stages: remove run_time, each stage has its own",
        ),
        (f'{ONE}user_classes = "Buyer"', r"\[x\] user_classes must be a list of names .*, not 'Buyer'"),
        (f"{ONE}user_classes = 5", "user_classes must be a list of names .*, not 5"),
        (f"{ONE}user_classes = [5]", "user_classes must be a list of names"),
        (f"{ONE}overload = true", r"\[x\] overload compares stages with each other: it must have two"),
        ("users = 1", "'users' is outside"),
        ("[x", "profiles.toml: "),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    """File, profile and key stand in the message."""
    with pytest.raises(ProfileError, match=complaint):
        profiles.read(write(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """No traceback of the operating system."""
    with pytest.raises(ProfileError, match="cannot be read: No such file"):
        profiles.read(tmp_path / "nowhere.toml")


def test_an_unknown_name_lists_the_names() -> None:
    """Whoever mistypes sees what there is."""
    with pytest.raises(ProfileError, match="no profile 'hevy': choose one of smoke, light"):
        profiles.choose(profiles.read(SHIPPED), "hevy")


def test_what_the_caller_wants_otherwise_keeps_the_proportions() -> None:
    """Fewer users and less time shrink every stage alike; no stage loses all its users."""
    plan = Plan("x", (Stage(10, 5, 60), Stage(1000, 50, 120)), pace=2000)
    changed = profiles.override(plan, {"users": 50, "run_time": "30s", "spawn_rate": 7.5, "host": "x"})
    assert changed.stages == (Stage(1, 7.5, 10), Stage(50, 7.5, 20))
    assert changed.pace == 100
    assert profiles.override(plan, {"own_pace": True}).pace is None


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ({"users": "x"}, "users must be a number over 0, not 'x'"),
        ({"users": 0}, "users must be a number over 0"),
        ({"users": 2.5}, "users must be a whole number"),
        ({"users": 10**400}, "users must be from 0.000001 to 1000000000"),
        ({"spawn_rate": 1e-320}, "spawn_rate must be from"),
        ({"rate": 1e300}, "rate must be from"),
        ({"spawn_rate": -1}, "spawn_rate must be a number over 0"),
        ({"rate": 0}, "rate must be a number over 0"),
        ({"run_time": "0s"}, "run_time must be a time"),
        ({"run_time": 60}, "run_time must be a time"),
        ({"run_time": "9999999999999h"}, "run_time must be a time"),
        ({"run_time": "9" * 400}, "run_time must be a time"),
        ({"targets": "p95 << 3"}, "TARGETS, column 5: '<<'"),
        ({"targets": ["p95 < 3s"]}, "TARGETS must be a text such as"),
        ({"run_time": "3s"}, "too short: from 0 to 10 users at 5 per second takes 2 s, and it has 3 s"),
    ],
)
def test_what_the_caller_wants_is_checked_like_the_file(wanted: dict[str, object], complaint: str) -> None:
    """Whoever sends it, and however."""
    with pytest.raises(ProfileError, match=complaint):
        profiles.override(Plan("x", (Stage(10, 5, 60),)), wanted)


@pytest.mark.parametrize(
    ("name", "users", "spawn_rate", "seconds", "pace"),
    [
        ("smoke", 10, 10, 20, 150),
        ("light", 10, 2, 120, 150),
        ("medium", 50, 5, 300, 450),
        ("heavy", 200, 10, 600, 750),
        ("ci", 50, 5, 180, 450),
        ("baseline-development", 1, 1, 60, None),
        ("baseline-staging", 10, 2, 180, None),
        ("baseline-production", 100, 10, 300, None),
    ],
)
def test_the_shipped_profiles_are_the_guides(
    name: str, users: int, spawn_rate: float, seconds: float, pace: float | None
) -> None:
    """Loads as the load-testing guide gives them, offered at 1.5 times the rate it wants."""
    plan = profiles.read(SHIPPED)[name]
    assert plan.stages == (Stage(users, spawn_rate, seconds),)
    assert plan.pace == pace


def texts(plan: Plan) -> list[str]:
    return [target.text for target in plan.targets]


GUIDE = ["GET avg < 200ms", "POST/PUT avg < 500ms", "complex avg < 1000ms", "errors < 1%"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("light", ["rps >= 100/s", *GUIDE]),
        ("medium", ["rps >= 300/s", *GUIDE]),
        ("heavy", ["rps >= 500/s", *GUIDE]),
        ("ci", ["rps >= 300/s", *GUIDE]),
        ("baseline-development", ["every route p95 < 100ms", "errors < 1%"]),
        ("baseline-staging", ["p95 < 500ms", "errors < 1%"]),
        ("baseline-production", ["p99 < 1000ms", "errors < 1%"]),
    ],
)
def test_the_shipped_targets_are_the_guides(name: str, wanted: list[str]) -> None:
    """What the load-testing guide expects, and its baselines."""
    assert texts(profiles.read(SHIPPED)[name]) == wanted


def test_targets_are_a_list_or_a_text(tmp_path: Path) -> None:
    """As one likes to write them."""
    for value in ('["rps > 5", "p95 < 3s"]', '"rps > 5, p95 < 3s"', '"""\nrps > 5\np95 < 3s\n"""'):
        plan = profiles.read(write(tmp_path, f"{ONE}targets = {value}"))["x"]
        assert texts(plan) == ["rps > 5/s", "p95 < 3000ms"]


def test_the_callers_targets_take_the_place_of_the_profiles() -> None:
    """Which are not wanted either where nothing was said of the load; a blank text says nothing."""
    heavy = profiles.read(SHIPPED)["heavy"]
    assert texts(profiles.override(heavy, {"targets": "p95 < 3s"})) == ["p95 < 3000ms"]
    assert texts(profiles.override(heavy, {"own_pace": True, "targets": "p95 < 3s"})) == ["p95 < 3000ms"]
    assert texts(profiles.override(heavy, {"own_pace": True})) == []
    assert texts(profiles.override(heavy, {"own_users": True})) == ["rps >= 500/s", "errors < 1%"]
    assert profiles.override(heavy, {"targets": " "}) == heavy


def test_a_rate_replaces_the_pace_after_the_users_have_scaled_it() -> None:
    """The rates in a profile's targets are scaled with it; those of TARGETS= are not."""
    heavy = profiles.read(SHIPPED)["heavy"]
    changed = profiles.override(heavy, {"users": 50, "rate": 300})
    assert changed.pace == 300
    assert texts(changed) == ["rps >= 200/s", *GUIDE]
    assert texts(profiles.override(heavy, {"rate": 300, "targets": "rps > 500"})) == ["rps > 500/s"]


@pytest.mark.parametrize("name", ["baseline-staging", "stress"])
def test_a_rate_can_be_set_where_the_profile_has_none(name: str) -> None:
    """Users with their own waits, or without waits, then share the rate."""
    plan = profiles.read(SHIPPED)[name]
    changed = profiles.override(plan, {"rate": 30.5})
    assert (changed.pace, changed.targets) == (30.5, plan.targets)
    assert profiles.override(plan, {"own_pace": True, "rate": 30.5}).pace == 30.5


def test_fewer_users_are_wanted_less_of() -> None:
    """A rate goes with what is offered; what the caller says holds as it stands."""
    heavy = profiles.read(SHIPPED)["heavy"]
    assert texts(profiles.override(heavy, {"users": 50})) == ["rps >= 125/s", *GUIDE]
    assert texts(profiles.override(heavy, {"users": 50, "targets": "rps > 500"})) == ["rps > 500/s"]


def test_other_users_have_other_routes() -> None:
    """A scenario is not asked for those of the usual mix."""
    plan = profiles.read(SHIPPED)["heavy"].with_user_classes(("Racer",))
    assert (plan.user_classes, texts(plan)) == (("Racer",), ["rps >= 500/s", "errors < 1%"])


def test_every_route_is_no_particular_one() -> None:
    """Theirs too."""
    plan = profiles.read(SHIPPED)["baseline-development"]
    assert texts(plan.with_user_classes(("Racer",))) == texts(plan)


def test_stress_goes_up_and_comes_back() -> None:
    """200, 2,000, 200 users, without waits."""
    stress = profiles.read(SHIPPED)["stress"]
    assert [stage.users for stage in stress.stages] == [200, 2000, 200]
    assert stress.pace == UNPACED


@pytest.mark.parametrize(
    ("stages", "short"),
    [
        ((Stage(200, 10, 22),), False),  # 20 s to start them, 2 to look
        ((Stage(200, 10, 21),), True),
        ((Stage(100, 50, 10), Stage(10, 10, 10)), True),  # going down takes its time too
        ((Stage(100, 50, 10), Stage(10, 10, 11)), False),
    ],
)
def test_a_plan_without_time_for_its_users_is_refused(stages: tuple[Stage, ...], short: bool) -> None:
    """Before it starts: it could never be judged."""
    if short:
        with pytest.raises(ProfileError, match=r"'x' is too short: .* give it more RUN_TIME"):
            profiles.refuse_too_short(Plan("x", stages))
    else:
        profiles.refuse_too_short(Plan("x", stages))


@pytest.mark.parametrize("plan", profiles.read(SHIPPED).values(), ids=lambda plan: plan.profile)
def test_every_shipped_profile_has_time_for_its_users(plan: Plan) -> None:
    """As it stands in the file."""
    profiles.refuse_too_short(plan)
