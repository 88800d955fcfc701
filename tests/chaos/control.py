"""The negative control: an order that was acknowledged and lost would have been found."""

from __future__ import annotations

import time
from pathlib import Path

from stampede.facts.verdict_json import Verdict
from tests.chaos.cluster import END_API_CONNECTIONS, Cluster
from tests.chaos.plan import Load
from tests.chaos.report import LOST
from tests.chaos.run import finish, judgement, start
from tests.checkout import ROOT, wait_until

NOT_AWAITED = ROOT / "tests" / "prove" / "planted" / "commits_not_awaited.sql"
RUN_TIME = 8.0
"""Seconds, the ramp not counted."""

ENOUGH = 200
"""Orders that the API has answered before PostgreSQL is killed: enough to be missed."""


def lost_order_is_found(cluster: Cluster, load: Load, into: Path) -> tuple[bool, str]:
    """PostgreSQL answers commits before they are on disk, and is killed: is it seen? And what was said."""
    for statement in NOT_AWAITED.read_text().split(";"):
        if statement.strip():
            cluster.psql(statement)
    cluster.psql(END_API_CONNECTIONS)  # a role's settings are those of new connections
    cluster.wait_for_health()
    already = cluster.checkout.orders_served()
    run_id = start(cluster, run_time=f"{load.ramp + RUN_TIME:.0f}s")
    end = time.time() + load.ramp + RUN_TIME
    wait_until(lambda: cluster.checkout.orders_served() > already + ENOUGH, "orders to lose")
    cluster.kill("postgres")
    cluster.start("postgres")
    folder = finish(cluster, run_id, into, end)
    kept = next((check for check in judgement(folder).correct.checks if check.name in LOST), None)
    if kept is None:
        return False, "the run was not audited"
    return kept.verdict is Verdict.FAIL, f"{kept.name} {kept.verdict}: {kept.detail}"
