"""The engine's own options leave all other names to the locustfile."""

from __future__ import annotations

from locust.argument_parser import get_empty_argument_parser, get_parser, setup_parser_arguments

import stampede.hooks  # noqa: F401  (importing it loads the engine)


def test_every_option_of_the_engine_has_its_prefix() -> None:
    """So does each environment variable. A locustfile may then have its own --run-id or --results."""
    stock = get_empty_argument_parser(default_config_files=[])
    setup_parser_arguments(stock)
    theirs = {option for action in stock._actions for option in action.option_strings}
    added = [action for action in get_parser([])._actions if not theirs.issuperset(action.option_strings)]
    assert len(added) >= 8
    assert all(option.startswith("--stampede-") for action in added for option in action.option_strings)
    assert all((action.env_var or "STAMPEDE_").startswith("STAMPEDE_") for action in added)
