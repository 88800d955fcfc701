"""load_tests/README.md answers the load-testing guide: heading by heading, with each of its commands."""

import operator
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from load_tests import locustfile, scenarios
from load_tests.users import ShopUser
from stampede.rig import settings
from tests import guide

PAGE = Path("load_tests/README.md").read_text()
COMMANDS = [shlex.split(command) for block in guide.blocks(PAGE) for command in guide.commands(block)]
PROFILES = tomllib.loads(Path("load_tests/profiles.toml").read_text())


def test_headings_are_the_guides_in_its_order() -> None:
    assert guide.headings(PAGE) == guide.HEADINGS


@pytest.mark.parametrize("block", guide.BLOCKS)
def test_every_block_of_the_guide_is_there_as_written(block: str) -> None:
    assert block in guide.blocks(PAGE)


def test_the_guides_step_of_a_pipeline_is_there_as_written() -> None:
    """With the upload as an action: the guide's is no command."""
    steps, ours = guide.blocks(PAGE, "yaml")
    assert steps.startswith(guide.CI_STEP)
    used = [step.get("uses", step.get("run")) for step in yaml.safe_load(steps) + yaml.safe_load(ours)]
    assert used[1::2] == ["actions/upload-artifact@v4"] * 2
    assert used[2] == "python3 -m stampede headless PROFILE=ci"


def test_the_guides_custom_user_is_there_as_written() -> None:
    assert Path("load_tests/examples/custom_user.py").read_text() in guide.blocks(PAGE, "python")


@pytest.mark.parametrize("arguments", [words[2:] for words in COMMANDS if words[0] == "make"], ids=" ".join)
def test_the_clusters_commands_have_settings_that_exist(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Profiles too; scenarios are checked below."""
    for name in settings.NAMES:
        monkeypatch.delenv(name, raising=False)
    asked = settings.read(arguments)
    assert asked.scenario in (None, *(kind.__name__ for kind in _kinds(scenarios)))


def test_every_user_and_scenario_is_described() -> None:
    """With its weight, or its tag; and every profile that has a rate or is a baseline is named."""
    for kind in _kinds(locustfile):
        assert f"| `{kind.__name__}` | {kind.weight} |" in PAGE
    for number, kind in enumerate(_kinds(scenarios), 1):
        tags = {tag for task in kind.tasks for tag in task.locust_tag_set}
        assert f"| {number} | `{kind.__name__}` | `{tags.pop()}` |" in PAGE
        assert not tags
    baselines = {name: profile for name, profile in PROFILES.items() if name.startswith("baseline-")}
    for name, profile in baselines.items():
        assert f"| `{name}` | {profile['users']} | `{profile['targets'][0]}` |" in PAGE


def test_the_rate_of_a_user_without_a_profile() -> None:
    """0.85 requests a second: the mean over the kinds, by their weights, of one request for each wait."""
    kinds = _kinds(locustfile)
    rates = []
    for kind in kinds:
        row = re.search(rf"`{kind.__name__}` .* \| ([\d.]+)–([\d.]+) s \| ([\d.]+) \|\n", PAGE)
        assert row, kind
        shortest, longest, rate = map(float, row.groups())
        assert all(shortest <= kind.wait_time(None) <= longest for _ in range(1000))
        rates.append(2 / (shortest + longest))
        assert round(rates[-1], 1) == rate
    weights = [kind.weight for kind in kinds]
    assert round(sum(map(operator.mul, weights, rates)) / sum(weights), 2) == 0.85
    assert "| all together | 11 | 100 % | | 0.85 |" in PAGE


@pytest.mark.parametrize("name", ["light", "medium", "heavy"])
def test_what_profiles_offer_and_want(name: str) -> None:
    """As the table of throughput has it."""
    profile = PROFILES[name]
    wanted = profile["targets"][0].removeprefix("rps >= ")
    row = next(line for line in PAGE.splitlines() if f"`{name}`: {profile['pace']}/s" in line)
    assert row.startswith(f"| {profile['users']} | {wanted}/s |")


def _kinds(module: object) -> list[type[ShopUser]]:
    """Return the user classes that a locustfile defines and that take part by themselves."""
    return [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, ShopUser) and kind is not ShopUser and kind.weight
    ]
