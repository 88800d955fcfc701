"""What is documented exists, and what exists is documented."""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from locust.argument_parser import get_parser
from locust.event import Events

from stampede.rig.settings import NAMES, RIG_SETTINGS, Settings

README = Path("README.md").read_text()
CONTRIBUTING = Path("CONTRIBUTING.md").read_text()
MAKEFILE = Path("Makefile").read_text()
COMPOSE = Path("docker-compose.yml").read_text()
ENV_EXAMPLE = Path(".env.example").read_text()

OWN_API = Path("docs/own-api.md").read_text()
LOCUST = Path("docs/locust.md").read_text()

TARGETS = re.findall(r"^([a-z][a-z ]*):.*##", MAKEFILE, re.MULTILINE)
VERBS = [verb for targets in TARGETS for verb in targets.split()]
DOCUMENTED_VARIABLES = set(re.findall(r"^#([A-Z][A-Z0-9_]*)=", ENV_EXAMPLE, re.MULTILINE))


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "help"])
def test_every_make_target_is_documented(verb: str) -> None:
    """Users find theirs in the README, developers theirs in CONTRIBUTING."""
    assert f"make {verb}" in README + CONTRIBUTING


def test_make_alone_lists_every_command() -> None:
    """As the README says."""
    listed = subprocess.run(["make", "--silent", "help"], capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make ([a-z ]*[a-z])", listed, re.MULTILINE) == TARGETS


def test_every_documented_make_target_exists() -> None:
    """A command in the documentation can be typed."""
    assert set(re.findall(r"\bmake ([a-z]+)", "\n".join(re.findall("`[^`]+`", README)))) <= set(VERBS)


def test_every_variable_of_compose_and_of_the_rig_is_in_env_example() -> None:
    """Who reads .env.example knows them all."""
    of_compose = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE)) | set(
        re.findall(r"^\s+([A-Z_]+):(?: #.*)?$", COMPOSE, re.MULTILINE)
    )
    assert {"UI_PORT", "API_THREADS"} <= of_compose, "the patterns find them"
    assert of_compose | RIG_SETTINGS.keys() == DOCUMENTED_VARIABLES


def test_the_rig_takes_every_variable_but_those_it_sets_itself() -> None:
    """On its command line, where it refuses others."""
    set_by_the_rig = set(
        re.findall(r"^#([A-Z_]+)=", ENV_EXAMPLE.split("set by `python -m stampede`")[1], re.MULTILINE)
    )
    assert set(NAMES) == DOCUMENTED_VARIABLES - set_by_the_rig


def test_defaults_in_env_example_are_those_of_compose() -> None:
    """A variable's documented default is the one it has."""
    of_compose = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", COMPOSE))
    documented = dict(re.findall(r"^#([A-Z_]+)=(.*)$", ENV_EXAMPLE, re.MULTILINE))
    assert {name: documented[name] for name in of_compose} == of_compose


def test_the_rig_and_compose_have_the_same_defaults() -> None:
    """So that `make up` and plain `docker compose up` bring up the same."""
    ours = Settings()
    defaults = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", COMPOSE))
    assert [defaults[name] for name in ("WORKERS", "UI_PORT", "API_PORT")] == [
        str(ours.worker_count),
        str(ours.ui_port),
        str(ours.api_port),
    ]


@pytest.mark.parametrize("profile", tomllib.loads(Path("load_tests/profiles.toml").read_text()))
def test_every_profile_is_in_the_readme(profile: str) -> None:
    """With what it does."""
    assert f"| `{profile}` |" in README


def test_the_guides_example_is_the_one_that_is_tested() -> None:
    """The README's CustomUser is the guide's class, with a request in it."""
    example = Path("load_tests/examples/custom_user.py").read_text()
    assert example.split("@task")[0].split() == README.split("```python\n")[1].split("@task")[0].split()


def test_the_pipeline_in_the_documentation_can_be_run() -> None:
    """It is YAML that GitHub takes; what it calls exists, and what it shows is shown also after a FAIL."""
    workflow = yaml.safe_load(OWN_API.split("```yaml\n")[1].split("```")[0])
    assert workflow[True] == "pull_request", "YAML reads on as True, and so does GitHub"
    steps = {step.get("name", step.get("uses")): step for step in workflow["jobs"]["load-test"]["steps"]}
    verb, *settings = shlex.split(steps["Send the load"]["run"])[3:]
    assert verb == "headless"
    assert {setting.partition("=")[0] for setting in settings} <= set(NAMES)
    after = list(steps.values())[list(steps).index("Send the load") + 1 :]
    assert len(after) == 3
    assert all("always()" in step["if"] for step in after)


def test_every_setting_of_the_examples_exists() -> None:
    """In the page on an API of one's own, as in the README."""
    commands = re.findall(r"(?:make [a-z]+|rig headless) (.*?)(?:`|$)", README + OWN_API, re.MULTILINE)
    named = {name for command in commands for name in re.findall(r"\b([A-Z_]+)=", command)}
    assert {"UI_BIND", "HOST"} <= named
    assert named <= {*NAMES, *re.findall(r"\$\((?:patsubst )?([A-Z]+)[,)]", MAKEFILE)}


def test_every_option_and_event_of_locust_is_documented() -> None:
    """Those that Locust's own help hides are left out."""
    options = {
        option
        for action in get_parser([])._actions
        for option in action.option_strings
        if option.startswith("--") and action.help != "==SUPPRESS==" and "stampede" not in option
    }
    assert {"--users", "--csv"} <= options
    documented = set(re.findall(r"`(--[a-z-]+)`", LOCUST.split("### Options")[1].split("###")[0]))
    assert options == documented
    assert set(Events.__annotations__) <= set(re.findall(r"`([a-z_]+)`", LOCUST.split("## Event hooks")[1]))


def test_every_feature_of_locust_has_one_of_three_marks() -> None:
    tables = LOCUST.split("| feature | here | notes |\n|---|---|---|\n")[1:]
    rows = [row for table in tables for row in table.split("\n\n")[0].splitlines()]
    assert len(rows) > 100
    assert {row.split(" | ")[1] for row in rows} == {"supported", "different", "refused"}


@pytest.mark.parametrize("page", ["README.md", *sorted(map(str, Path("docs").glob("*.md")))])
def test_links_within_the_documentation_lead_somewhere(page: str) -> None:
    """To a file, and to a heading of it."""
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", Path(page).read_text()):
        name, _, heading = link.partition("#")
        target = Path(page).parent / name if name else Path(page)
        assert target.exists(), link
        assert not heading or heading in _headings(target), link


def _headings(page: Path) -> set[str]:
    """Return the anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
