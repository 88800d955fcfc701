"""Settings that have no effect are printed, with the reason."""

from __future__ import annotations

import pytest

from stampede.rig import commands, settings
from stampede.rig.compose import Compose
from tests.unit.bare import bare_environment  # noqa: F401


@pytest.mark.parametrize(
    ("verb", "arguments", "printed"),
    [
        (
            "up",
            ["USERS=5", "RATE=9", "WORKERS=2"],
            "Ignored: RATE, USERS (a setting of `make headless`, not of `make up`)\n",
        ),
        ("headless", ["USERS=5", "RATE=9"], ""),
        ("headless", ["MASTER_PORT=5000"], "Ignored: MASTER_PORT (for RUNTIME=local only)\n"),
        ("headless", ["HOST=http://x", "KEEP_DATA=1"], "Ignored: KEEP_DATA (the API is http://x)\n"),
        ("scale", ["WORKERS=2"], ""),
    ],
)
def test_a_setting_that_is_ignored_is_printed(
    capsys: pytest.CaptureFixture[str], verb: str, arguments: list[str], printed: str
) -> None:
    given = settings.read([*arguments, "RUNTIME=compose"])
    commands.print_ignored(verb, arguments, given, Compose(given))
    assert capsys.readouterr().out == printed
