"""How a run stands, looked at by a real master."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from stampede.facts.run_json import Phase
from stampede.plan.profiles import Plan, Stage
from stampede.run.results import RunFolder
from stampede.run.results_folder import ResultsFolder
from stampede.run.run import Run
from stampede.targets import parser
from stampede.webui.live import Live
from tests.integration.masters import Master, with_driver
from tests.unit.counted import Shop


def test_a_rate_that_was_reached_does_not_sink_while_the_run_is_audited(tmp_path: Path) -> None:
    """It is of the seconds until users were told to stop, however long ago they were."""
    end = int(time.time()) - 20
    plan = Plan("mine", stages=(Stage(1, 1, 60),), targets=parser.parse("rps >= 2"))
    run = Run("run", plan, end - 60.0, Phase.AUDITING, window_start=end - 60.0, window_end=end + 0.5)
    with closing(Master()) as master:
        driver = with_driver(master, tmp_path)
        shop = Shop()
        shop.counts = driver.counts
        shop.answers(range(end - 60, end), "POST /orders/", [5, 5])
        driver.current = run
        driver.folder = RunFolder(ResultsFolder(tmp_path, "test"), run, master.environment, driver.counts)
        judged = Live(master.environment, driver).snapshot().verdict
        driver.folder.stop_writing()
    assert judged
    (rate,) = (check for check in judged.fast.checks if check.name.startswith("rps"))
    assert (rate.verdict, rate.actual) == ("PASS", 2)
