"""What GitHub reads of this repository, and what a release needs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from api import __version__

FORMS = ("bug", "feature")
WORKFLOWS = sorted(Path(".github/workflows").iterdir())
FOLDER = Path(".github/ISSUE_TEMPLATE")
TOP_LEVEL = {"name", "description", "body", "assignees", "labels", "title", "type", "projects"}
ATTRIBUTES = {
    "markdown": ({"value"}, set[str]()),
    "input": ({"label"}, {"description", "placeholder", "value"}),
    "textarea": ({"label"}, {"description", "placeholder", "value", "render"}),
    "dropdown": ({"label", "options"}, {"description", "multiple", "default"}),
    "checkboxes": ({"label", "options"}, {"description"}),
}
"""Of each type of a field: the attributes that it must have, and those that it may have.

From https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests.
"""


def strings(value: object) -> Iterator[str]:
    """Every string in a form, the keys too."""
    match value:
        case dict():
            for key, inner in value.items():
                yield key
                yield from strings(inner)
        case list():
            for inner in value:
                yield from strings(inner)
        case str():
            yield value


@pytest.mark.parametrize("name", FORMS)
def test_an_issue_form_is_one_that_github_takes(name: str) -> None:
    """GitHub shows a form that breaks one of its rules to nobody."""
    form = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    assert form.keys() >= {"name", "description", "body"}
    assert form.keys() <= TOP_LEVEL
    assert len(form["name"]) >= 3
    assert all(text.strip() for text in strings(form))
    for field in form["body"]:
        check_field(field)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert fields, "markdown alone asks for nothing"
    for what in (
        [field["id"] for field in fields],
        [field["attributes"]["label"] for field in fields],
    ):
        assert len(what) == len(set(what))


def check_field(field: dict[str, Any]) -> None:
    required, optional = ATTRIBUTES[field["type"]]
    assert field["attributes"].keys() >= required
    assert field["attributes"].keys() <= required | optional
    assert all(isinstance(value, str | list) for value in field["attributes"].values())
    if field["type"] == "markdown":
        assert field.keys() == {"type", "attributes"}
        return
    assert field.keys() == {"type", "id", "attributes", "validations"}
    assert re.fullmatch(r"[A-Za-z0-9_-]+", field["id"])
    assert isinstance(field["validations"]["required"], bool)
    options = field["attributes"].get("options", [])
    assert len(options) == len(set(options))
    assert "none" not in {option.lower() for option in options}, "GitHub has it already"


def test_the_chooser_of_issues_offers_the_forms_only() -> None:
    chooser = yaml.safe_load((FOLDER / "config.yml").read_text())
    assert chooser == {"blank_issues_enabled": False}
    assert {path.stem for path in FOLDER.iterdir()} == {*FORMS, "config"}


def test_every_action_is_a_commit_with_its_version() -> None:
    """A tag can be moved to other code. Dependabot updates the commit and the comment together."""
    uses = [
        line
        for workflow in WORKFLOWS
        for line in re.findall(r"\buses: +(.*)", workflow.read_text())
        if not line.startswith("$/")  # of this repository, at the same commit
    ]
    assert uses
    assert [line for line in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    commits = {line.partition("@")[0]: line for line in uses}
    assert {*uses} == {*commits.values()}, "each action has one version"


def test_workflows_may_read_only_except_where_they_publish() -> None:
    """The rights are those of a job: every job of a workflow would have the workflow's own."""
    for workflow in WORKFLOWS:
        content = yaml.safe_load(workflow.read_text())
        writers = {
            name for name, job in content["jobs"].items() if "write" in job.get("permissions", {}).values()
        }
        assert content["permissions"] in ({}, {"contents": "read"})
        assert writers == ({"publish"} if workflow.stem == "release" else set())


def test_dependabot_covers_all_that_is_pinned() -> None:
    """Actions, the base image of each Dockerfile, the images of Compose, and the lock file."""
    updates = yaml.safe_load(Path(".github/dependabot.yml").read_text())["updates"]
    covered = {
        (update["package-ecosystem"], folder)
        for update in updates
        for folder in update.get("directories", [update.get("directory")])
    }
    dockerfiles = {("docker", f"/{file.parent}") for file in Path().glob("*/Dockerfile")}
    assert covered == {("github-actions", "/"), ("docker-compose", "/"), ("uv", "/"), *dockerfiles}
    assert len(updates) == 4, "one change for all Dockerfiles: they share their base"


def test_the_version_has_its_heading_in_the_changelog() -> None:
    """A tag v0.1.0 names a commit whose CHANGELOG lists what is in it."""
    version = tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"]
    assert f"\n## [{version}]" in Path("CHANGELOG.md").read_text()


def test_the_version_is_the_same_everywhere() -> None:
    """CONTRIBUTING.md lists the files, in "A release"."""
    version = tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"]
    locked = tomllib.loads(Path("uv.lock").read_text())["package"]
    assert {package["version"] for package in locked if package["name"] == "stampede"} == {version}
    assert __version__ == version
