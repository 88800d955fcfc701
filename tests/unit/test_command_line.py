"""LOCUST_ARGS are the locustfile's own arguments: options of Locust and of the engine are refused by name."""

from __future__ import annotations

import pytest
from locust.argument_parser import get_parser

import stampede.hooks  # noqa: F401  (importing it loads the engine)
from stampede.command_line import ArgumentsError, CommandLine, ignore_variables, variables_of_options
from stampede.rig.variables import OPTIONS_OF_LOCUST

OPTIONS = ["--config", "/app/master/locust.conf"]


def check(arguments: str, *own_options: str) -> None:
    """As the engine does, for a locustfile with these options."""
    command_line = CommandLine({"STAMPEDE_ARGS": arguments})
    command_line.extend(OPTIONS)
    parser = get_parser([])
    for option in own_options:
        parser.add_argument(option)
    command_line.check(parser)


def test_the_arguments_come_last_and_the_tags_first() -> None:
    """What follows the last tag would be taken for a tag."""
    given = {"STAMPEDE_TAGS": "read", "STAMPEDE_EXCLUDE_TAGS": "a b", "STAMPEDE_ARGS": "--wallet '7 8'"}
    tags = ["--tags", "read", "--exclude-tags", "a", "b"]
    assert CommandLine(given).extend(OPTIONS) == [*tags, *OPTIONS, "--wallet", "7 8"]
    assert CommandLine({}).extend(OPTIONS) == OPTIONS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--wallet 7 --headless", "--headless is an option of Locust: use `make headless` instead"),
        ("-u 5", r"-u \(--users\) is an option of Locust: use USERS= instead"),
        ("-u5", r"-u5 \(--users\) is an option of Locust: use USERS= instead"),
        ("--users=5", "--users is an option of Locust: use USERS= instead"),
        ("--user 5", r"--user \(--users\) is an option of Locust: use USERS= instead"),
        ("--help", "--help is not an argument of the locustfile: remove it"),
        ("--vers", r"--vers \(--version\) is not an argument of the locustfile"),
        ("--csv out", "--csv is not an argument of the locustfile"),
        ("--stampede-run-id 1", "--stampede-run-id is not an argument of the locustfile"),
        ("--stampede-prof ci", r"--stampede-prof \(--stampede-profile"),
        ("--walet 7", "the locustfile has no argument --walet: it has --wallet"),
    ],
)
def test_an_option_of_locust_is_refused(arguments: str, message: str) -> None:
    """Also an abbreviation that argparse would accept, and a value that follows without a space."""
    with pytest.raises(ArgumentsError, match=f"^LOCUST_ARGS: {message}"):
        check(arguments, "--wallet")


@pytest.mark.parametrize(
    "arguments",
    [
        "--wallet 7",
        "--wal=7",
        "--wallet=-u",
        "--wallet -1",
        "--user 5",  # the locustfile's own, though it begins like --users
        "-wide 1",  # one with a single dash, that is no -w
        "Visitor",
        "",
    ],
)
def test_the_arguments_of_the_locustfile_are_accepted(arguments: str) -> None:
    check(arguments, "--wallet", "--user", "-wide")


def test_variables_of_locusts_own_options_are_removed(capsys: pytest.CaptureFixture[str]) -> None:
    """The rig's stay, and so do those of the locustfile. Values are not printed."""
    given = {
        "LOCUST_USERS": "99",
        "LOCUST_USER_CLASSES": "A",
        "LOCUST_HOST": "http://a",
        "LOCUST_TENANT": "acme",
    }
    ignore_variables(given)
    assert given == {"LOCUST_HOST": "http://a", "LOCUST_TENANT": "acme"}
    printed = capsys.readouterr().err
    assert "LOCUST_USERS, LOCUST_USER_CLASSES" in printed
    assert "99" not in printed


def test_the_rig_knows_the_variables_of_locusts_options() -> None:
    """It cannot import Locust."""
    assert variables_of_options() == OPTIONS_OF_LOCUST
