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
from msgspec import structs

from stampede.facts.run_json import Facts
from stampede.facts.samples import (
    ApiSample,
    ClockOffset,
    DatabaseSample,
    HubLag,
    Machine,
    MasterSample,
    Statement,
)
from stampede.report import timeline_csv
from stampede.rig.settings import NAMES, RIG_SETTINGS, RUN_SETTINGS, Settings
from tests import runs
from tests.documentation import DOCS, PAGES, anchors, commands, links
from tests.documented_commands import IN_CI_LONG, NOT_RUN, RUN

README = Path("README.md").read_text()
CLUSTER = Path("docs/cluster.md").read_text()
HEADLESS = Path("docs/headless.md").read_text()
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
    """Users find theirs in docs/cluster.md, developers theirs in CONTRIBUTING."""
    assert f"make {verb}" in CLUSTER + CONTRIBUTING


def test_make_alone_lists_every_command() -> None:
    """As the README says."""
    listed = subprocess.run(["make", "--silent", "help"], capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make ([a-z ]*[a-z])", listed, re.MULTILINE) == TARGETS


def test_every_documented_make_target_exists() -> None:
    """A command in the documentation can be typed."""
    pages = "\n".join(re.findall("`[^`]+`", README + CLUSTER + HEADLESS))
    assert set(re.findall(r"\bmake ([a-z]+)", pages)) <= set(VERBS)


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
def test_every_profile_is_documented(profile: str) -> None:
    """With what it does."""
    assert f"| `{profile}` |" in HEADLESS


@pytest.mark.parametrize("name", RUN_SETTINGS)
def test_every_setting_of_a_run_is_documented(name: str) -> None:
    assert re.search(rf"`{name}[=`]", HEADLESS + OWN_API)


def test_the_readme_is_short() -> None:
    """A newcomer reads at most 900 words; the rest is in docs/."""
    assert len(README.split()) <= 900


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
    """In the README, and in the pages on the cluster, on headless runs and on your own API."""
    commands = re.findall(
        r"(?:make [a-z]+|rig headless) (.*?)(?:`|$)", README + CLUSTER + HEADLESS + OWN_API, re.MULTILINE
    )
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


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    """To a file, and to a heading of it; those to other sites are https, or of this machine."""
    assert [link for link in links(page) if not _leads_somewhere(page, link)] == []


def _leads_somewhere(page: Path, link: str) -> bool:
    # GitHub's own pages of the repository stand above its files.
    if link.startswith(("https://", "http://localhost:", "../../actions/")):
        return True
    name, _, heading = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not heading or heading in anchors(target))


def test_the_links_and_commands_of_the_pages_are_found() -> None:
    """In each form that they have: else the tests of them would hold without any."""
    assert {"audit.md#events-and-samples", "targets.md#an-overload"} <= {*links(Path("docs/samples.md"))}
    assert "http://localhost:8089" in links(Path("README.md"))
    chaos = commands(Path("docs/chaos.md"))
    assert [command.text for command in chaos] == [
        *("make chaos", "make chaos RUNTIME=local", "make chaos PLAN=mine.toml")
    ]
    assert [bool(command.output) for command in chaos] == [False, False, True]
    assert {"a-plan", "complaints"} <= anchors(Path("docs/chaos.md"))


def test_every_command_of_the_pages_is_run_or_has_a_reason_why_not() -> None:
    """tests/cluster/test_documented_commands.py runs them."""
    found = {command.text for page in DOCS for command in commands(page)}
    assert found == RUN.keys() | NOT_RUN.keys()
    assert not RUN.keys() & NOT_RUN.keys()


def test_commands_left_to_others_are_run_there() -> None:
    """The reasons name the file that runs them, or say that .ci/long does."""
    of_ci = {command for command, reason in NOT_RUN.items() if reason == IN_CI_LONG}
    assert of_ci <= {*Path(".ci/long").read_text().splitlines()}
    files = [file for reason in NOT_RUN.values() for file in re.findall(r"tests/\S+\.py", reason)]
    assert len(files) == 6
    assert all(Path(file).exists() for file in files)


def test_the_page_of_samples_has_every_field() -> None:
    """Of each role, of clocks and of the machine."""
    kinds = (ApiSample, ClockOffset, DatabaseSample, HubLag, Machine, MasterSample, Statement)
    fields = {field.name for kind in kinds for field in structs.fields(kind)}
    documented = set(re.findall(r"`(\w+)`", Path("docs/samples.md").read_text()))
    assert fields - documented == {"statement", "calls", "total_ms", "mean_ms"}, "these explain themselves"


def test_the_page_of_reports_has_every_field_of_run_json() -> None:
    table = Path("docs/report.md").read_text().split("| field | what it is |")[1].split("\n\n")[0]
    documented = set(re.findall(r"`(\w+)`", table))
    assert {field.name for field in structs.fields(Facts)} - documented == {"schema"}


def test_the_page_of_reports_has_every_column_of_the_timeline() -> None:
    """A status, a role or a state of connections stands for all."""
    header = timeline_csv.timeline(runs.run()).splitlines()[0]
    similar = (r"status_\d+", r"(postgres|master|workers)_memory_mb", r"connections_\w+")
    columns = {each for each in header.split(",") if not re.fullmatch("|".join(similar), each)}
    section = Path("docs/report.md").read_text().split("## timeline.csv")[1].split("\n## ")[0]
    assert columns <= set(re.findall(r"`(\w+)`", section))
