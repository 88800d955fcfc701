"""The audit as the process that the master starts: its protocol, what it reads, and how it fails."""

from __future__ import annotations

import gzip
import json
import os
import re
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import pytest
from psycopg2.extensions import parse_dsn

from postgres import embedded
from stampede.audit.database import database_of
from stampede.facts.run_json import write
from tests.facts import facts
from tests.integration.databases import TestDatabase, folder_for_postgres
from tests.integration.histories import RUN, History
from tests.integration.servers import ROOT, Api

# What the process itself checks: that it is none of the load half.
COMMAND = """
import pathlib, sys
from stampede.audit import process
code = process.main(pathlib.Path(sys.argv[1]), as_json="--json" in sys.argv)
assert not {"locust", "gevent"} & set(sys.modules)
sys.exit(code)
"""
SOON = 20


@pytest.fixture
def history(database: TestDatabase, tmp_path: Path) -> Iterator[History]:
    begun = History(database, tmp_path)
    yield begun
    begun.close()


@dataclass(slots=True)
class Audit:
    """The process; closing its input ends the run."""

    process: subprocess.Popen[str]

    def read_event(self) -> dict[str, Any]:
        """The next; samples come in between."""
        while "event" not in (line := self._read_line()):
            pass
        return line

    def read_sample(self) -> dict[str, Any]:
        """The next. Its first looks are over then: it has seen where the stock ledger ends."""
        sample: dict[str, Any] = self._read_line()["sample"]
        return sample

    def _read_line(self) -> dict[str, Any]:
        output: IO[str] = self.process.stdout  # type: ignore[assignment]
        assert select.select([output], [], [], SOON)[0], "no line"
        line: dict[str, Any] = json.loads(output.readline())
        return line

    def conclude(self) -> dict[str, dict[str, Any]]:
        """Its checks by their names."""
        output, errors = self.process.communicate(timeout=SOON)
        assert (self.process.returncode, errors) == (0, "")
        checks = json.loads(output.splitlines()[-1])["checks"]
        return {check["name"]: check for check in checks}


def begin(folder: Path, database: str, **environment: str) -> Audit:
    return Audit(
        subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(folder)],
            cwd=ROOT,
            env=os.environ | {"AUDIT_DATABASE_URL": database} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )


@pytest.fixture
def begin_audit(history: History) -> Iterator[Callable[..., Audit]]:
    """Starts it as the master does, and ends it after the test."""
    begun: list[Audit] = []

    def start(**environment: str) -> Audit:
        run = {"STAMPEDE_RUN_ID": RUN, "STAMPEDE_STARTED_AT": str(history.started), "STAMPEDE_HOST": ""}
        begun.append(begin(history.folder, history.database.url("auditor"), **run | environment))
        return begun[-1]

    yield start
    for audit in begun:
        audit.process.kill()
        audit.process.communicate()


def test_it_judges_when_its_input_ends(history: History, begin_audit: Callable[..., Audit]) -> None:
    """All thirteen, in the order of the documentation; each says what it looked at."""
    audit = begin_audit()
    history.order(5)
    history.write()
    checks = audit.conclude()
    assert list(checks) == [
        "no_negative_stock",
        "stock_equals_movements",
        "no_oversell",
        "no_undersell",
        "acknowledged_orders_kept",
        "no_unexpected_orders",
        "one_order_per_key",
        "refused_means_no_effect",
        "sold_out_was_true",
        "legal_status_paths",
        "totals_at_order_price",
        "bulk_matches_rows",
        "summary_equals_recount",
    ]
    assert checks["acknowledged_orders_kept"] == {
        "name": "acknowledged_orders_kept",
        "verdict": "PASS",
        "examined": 1,
        "count": 0,
        "detail": "1 acknowledged orders",
    }
    assert checks["sold_out_was_true"]["detail"] == "no answers with status 409 in this run"


@pytest.mark.long
def test_the_worst_is_told_while_the_run_goes_on(history: History, begin_audit: Callable[..., Audit]) -> None:
    """A product once, and again when it is worse: units oversold, and a stock below zero."""
    product = history.product(1)
    history.database.query("ALTER TABLE products DROP CONSTRAINT stock_not_negative")
    history.database.query("ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_stock_after_check")
    audit = begin_audit()
    audit.read_sample()
    history.order(product)
    history.spoil("UPDATE products SET stock = 1 WHERE id = %s", product)
    second = history.order(product)["order_id"]
    event = audit.read_event()
    assert abs(event.pop("at") - history.now()) < SOON
    assert event == {"event": "oversold", "product_id": product, "units": 1, "order_id": second}

    history.spoil("UPDATE products SET stock = 1 WHERE id = %s", product)
    history.order(product)
    assert audit.read_event()["units"] == 2

    history.change_product(product, stock=-1)
    event = audit.read_event()
    assert (event["event"], event["product_id"], event["stock"]) == ("negative_stock", product, -1)
    history.write()
    assert audit.conclude()["no_oversell"]["first"]["units"] == 3


def test_a_lost_connection_is_made_again(history: History, begin_audit: Callable[..., Audit]) -> None:
    """The database may be restarted in a run; what happened meanwhile is seen afterwards."""
    product = history.product(1)
    audit = begin_audit()
    audit.read_sample()
    history.order(product)
    history.spoil("UPDATE products SET stock = 1 WHERE id = %s", product)
    history.database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stampede-audit'"
    )
    history.order(product)
    assert audit.read_event()["event"] == "oversold"
    history.write()
    assert audit.conclude()["no_oversell"]["verdict"] == "FAIL"


def test_a_database_that_comes_late_is_waited_for(history: History, tmp_path: Path) -> None:
    """It is away when the run begins, and when it ends; a little later it is there."""
    history.write()
    with folder_for_postgres() as folder, embedded.running(folder) as server:
        server.stop()
        run = {"STAMPEDE_RUN_ID": RUN, "STAMPEDE_STARTED_AT": str(history.started)}
        audit = begin(tmp_path, server.url("auditor"), **run)
        assert audit.process.stdin is not None
        audit.process.stdin.close()
        audit.process.stdin = None
        assert audit._read_line() == {"statements": []}, "it has looked in vain, and is about to judge"
        server.start()
        assert audit.conclude()["no_oversell"]["verdict"] == "NOT_ASKED"


# By hand.


def by_hand(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, str(folder), *options],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SOON,
        check=False,
    )


def leave_facts(history: History, **more: object) -> None:
    started = datetime.fromtimestamp(history.started, UTC)
    write(history.folder, "run.json", facts(id=RUN, started_at=started, **more))


def test_by_hand_it_prints_a_table(history: History) -> None:
    """And exits with 11 if the data are wrong, with 0 if they are right."""
    database = history.database.url("auditor")
    order, other = (history.order(5)["order_id"] for _ in range(2))
    history.write()
    leave_facts(history)
    done = by_hand(history.folder, AUDIT_DATABASE_URL=database)
    assert (done.returncode, done.stderr) == (0, "")
    assert "PASS      no_oversell                1 products\n" in done.stdout

    history.spoil("UPDATE products SET stock = stock + 1 WHERE id = 5")
    history.spoil("DELETE FROM orders WHERE id = %s", order)
    done = by_hand(history.folder, AUDIT_DATABASE_URL=database)
    assert (done.returncode, done.stderr) == (11, "")
    assert "FAIL      acknowledged_orders_kept   1 wrong of 2 acknowledged orders\n" in done.stdout
    (first,) = re.findall(r"first: acknowledged, but not in the database \((.*)\)\n", done.stdout)
    assert f"order_id {order}, " in first
    assert re.search(r", 20\d\d-\d\d-\d\dT\S+$", first)

    history.spoil("DELETE FROM orders WHERE id = %s", other)
    done = by_hand(history.folder, AUDIT_DATABASE_URL=database)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the database has no order of this run any more" in done.stderr


def test_by_hand_what_is_not_known_is_no_success(history: History) -> None:
    """12, as for a run: nobody answers for the summary."""
    history.write()
    leave_facts(history, host="http://127.0.0.1:1")
    done = by_hand(history.folder, AUDIT_DATABASE_URL=history.database.url("auditor"))
    assert (done.returncode, done.stderr) == (12, "")
    assert "UNKNOWN   summary_equals_recount " in done.stdout


def test_what_a_run_whose_master_died_ordered_last_is_in_doubt(history: History) -> None:
    """Nobody was there to write it down."""
    history.order(5)
    history.order(5)
    del history.entries[-1]
    history.write()
    leave_facts(history, interrupted=True)
    done = by_hand(history.folder, AUDIT_DATABASE_URL=history.database.url("auditor"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 in doubt" in done.stdout


def test_of_a_worker_that_no_dead_master_heard_of_all_is_in_doubt(history: History) -> None:
    """It died before the first report came."""
    history.order(5)
    history.entries.clear()
    history.write()
    leave_facts(history, interrupted=True)
    done = by_hand(history.folder, AUDIT_DATABASE_URL=history.database.url("auditor"))
    assert (done.returncode, done.stderr) == (0, "")


def test_by_hand_it_prints_json_where_asked(history: History) -> None:
    """The judgement, as the master is told it; the exit code is that of the table."""
    history.spoil("DELETE FROM orders WHERE id = %s", history.order(5)["order_id"])
    history.order(5)
    history.write()
    leave_facts(history)
    done = by_hand(history.folder, "--json", AUDIT_DATABASE_URL=history.database.url("auditor"))
    assert (done.returncode, done.stderr) == (11, "")
    verdicts = {check["name"]: check["verdict"] for check in json.loads(done.stdout)["checks"]}
    assert verdicts["acknowledged_orders_kept"] == "FAIL"
    assert verdicts["no_oversell"] == "PASS"


# What it reads.

GOOD = {"worker": "0-a", "n": 1, "act": "order", "key": f"{RUN}/0-a/1", "product_id": 5, "quantity": 1}
GOOD |= {"sent": 1.0, "outcome": "refused", "answered": 2.0, "status": 404}


@contextmanager
def ledger(history: History, content: bytes) -> Iterator[None]:
    (history.folder / "ledger.jsonl.gz").write_bytes(content)
    leave_facts(history)
    yield


def test_a_line_that_is_cut_off_is_left_out(history: History) -> None:
    """The master was killed while it wrote: the end of a line is missing, or the end of the file."""
    lines = b"".join(json.dumps(GOOD | {"n": number}).encode() + b"\n" for number in range(10_000))
    whole = gzip.compress(lines)
    database = history.database.url("auditor")
    for content, fewest, most in (
        (gzip.compress(lines[:-20]), 9999, 9999),
        (whole[:-8], 10_000, 10_000),
        (whole[: len(whole) // 2], 2000, 8000),
        (b"", 0, 0),
    ):
        with ledger(history, content):
            done = by_hand(history.folder, AUDIT_DATABASE_URL=database)
            assert (done.returncode, done.stderr) == (0, "")
            (refusals,) = re.findall(r" ([\d,]+|no) refusals", done.stdout)
            assert fewest <= int(refusals.replace(",", "").replace("no", "0")) <= most


def test_the_later_line_of_an_entry_holds(history: History) -> None:
    """It was handed over before its answer came, and again with it."""
    entry = history.order(5)
    open_entry = {**entry, "outcome": "open", "status": None, "answered": None}
    del open_entry["order_id"]
    history.entries = [open_entry, *history.entries]
    checks = history.judged()
    assert checks["acknowledged_orders_kept"].examined == 1
    assert checks["one_order_per_key"].examined == 1


def test_without_a_ledger_there_is_nothing_to_judge(history: History) -> None:
    """Users of one's own leave none."""
    leave_facts(history)
    done = by_hand(history.folder, AUDIT_DATABASE_URL=history.database.url("auditor"))
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split("\n")[0].split()[:1]) == {"NOT_ASKED"}


@pytest.mark.parametrize("act", ["event", "buy"])
def test_what_others_note_is_theirs(history: History, act: str) -> None:
    """Events and acts of one's own have facts of any type, under whatever names."""
    history.order(5)
    history.entries.append(
        {"act": act, "worker": "0-a", "n": 9, "price": "9.99", "stock": [1], "tries": -0.5}
    )
    history.order(5)
    checks = history.judged()
    assert checks["acknowledged_orders_kept"].examined == 2
    assert "ledger_readable" not in checks, "such a line is not wrong"


def test_a_file_that_is_no_ledger_is_one_line(history: History) -> None:
    """There is no judgement."""
    with ledger(history, b'{"act": "order"}\n'):
        done = by_hand(history.folder, AUDIT_DATABASE_URL=history.database.url("auditor"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "ledger.jsonl.gz cannot be read" in done.stderr


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"order_id": 1.5}, "Expected `int | null`, got `float`"),
        ({"order_id": float("nan")}, "malformed"),
        ({"order_id": 2**70}, "Expected `int` <= 9223372036854775807"),
        ({"status": "two hundred"}, "Expected `int | null`, got `str`"),
    ],
)
def test_a_value_that_no_answer_should_have_is_one_finding(
    history: History, answer: dict[str, Any], reason: str
) -> None:
    """The order was sent, and may be there or not; all others are judged."""
    history.order(5)
    history.order(5).update(answer)
    history.order(5)
    checks = history.judged()
    found = checks.pop("ledger_readable")
    assert (found.verdict, found.count) == ("UNKNOWN", 1)
    assert found.first is not None
    assert found.first["what"].startswith("line 2: ")
    assert reason in found.first["what"]
    assert checks["acknowledged_orders_kept"].examined == 2
    assert {check.name for check in checks.values() if check.verdict == "FAIL"} == set()


@pytest.mark.parametrize(
    "line",
    [
        {"act": 5},
        {"act": "order", "key": None},
        {"act": "pay", "order_id": 1, "sent": 1.0},  # without outcome
        {"act": "pay", "order_id": 1, "outcome": "ok"},  # without time
        {"act": "pay", "order_id": 1, "outcome": "ok", "sent": 1e16},  # no year that PostgreSQL has
        {"act": "order", "key": "k", "product_id": 5, "quantity": 1, "outcome": "ok", "sent": 1.0},
        ["act"],
    ],
)
def test_a_line_that_says_nothing_is_a_finding_too(history: History, line: Any) -> None:
    history.order(5)
    history.entries.append(line)
    checks = history.judged()
    assert checks["ledger_readable"].count == 1
    assert checks["acknowledged_orders_kept"].verdict == "PASS"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"AUDIT_DATABASE_URL": ""}, "set AUDIT_DATABASE_URL"),
        ({"AUDIT_DATABASE_URL": "postgresql://auditor@127.0.0.1:1/none"}, "Connection refused"),
        ({"AUDIT_DATABASE_URL": "nonsense"}, "nonsense"),
        (
            {"AUDIT_DATABASE_PASSWORD_FILE": "/no/such"},
            "AUDIT_DATABASE_PASSWORD_FILE cannot be read: [Errno 2] No such file or directory: '/no/such'",
        ),
        ({"AUDIT_DATABASE_PASSWORD_FILE": "/dev/zero/x"}, "AUDIT_DATABASE_PASSWORD_FILE cannot be read"),
        ({"STAMPEDE_RUN_ID": RUN, "STAMPEDE_STARTED_AT": "noon"}, "STAMPEDE_STARTED_AT"),
    ],
)
def test_what_keeps_it_from_judging_is_one_line(
    history: History, environment: dict[str, str], words: str
) -> None:
    """No traceback."""
    history.write()
    leave_facts(history)
    done = by_hand(
        history.folder, **{"AUDIT_DATABASE_URL": "postgresql://", "PGHOST": "127.0.0.1"} | environment
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert words in done.stderr


@pytest.mark.parametrize(
    "content", [None, "[]", "{}", "{", '{"schema": 5, "id": "x", "started_at": "noon", "host": null}']
)
def test_a_folder_that_is_no_runs_is_one_line(tmp_path: Path, content: str | None) -> None:
    """Named."""
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    done = by_hand(tmp_path, AUDIT_DATABASE_URL="postgresql://")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert str(tmp_path) in done.stderr


@pytest.mark.parametrize("url", ["postgresql://auditor@postgres/stampede", "host=postgres user=auditor"])
def test_the_password_is_that_of_its_file(tmp_path: Path, url: str) -> None:
    """Its characters may have a meaning in a URL; the end of the line is no part of it."""
    file = tmp_path / "password"
    file.write_text("p@ss/w'o r?d\\\n")
    found = parse_dsn(database_of({"AUDIT_DATABASE_URL": url, "AUDIT_DATABASE_PASSWORD_FILE": str(file)}))
    assert (found["user"], found["host"], found["password"]) == ("auditor", "postgres", "p@ss/w'o r?d\\")
    assert database_of({"AUDIT_DATABASE_URL": url, "AUDIT_DATABASE_PASSWORD_FILE": ""}) == url


# The summary.


def test_the_summary_is_recounted(history: History, api: Api, begin_audit: Callable[..., Audit]) -> None:
    """What the API answers with what is there, figure by figure."""
    history.act("cancel", history.order(5, 3)["order_id"])
    history.act("pay", history.order(5, 3)["order_id"])
    history.write()
    check = begin_audit(STAMPEDE_HOST=api.url).conclude()["summary_equals_recount"]
    assert (check["verdict"], check["examined"]) == ("PASS", 19)

    history.database.query("UPDATE totals SET canceled = canceled + 1 WHERE slot = 0")
    check = begin_audit(STAMPEDE_HOST=api.url).conclude()["summary_equals_recount"]
    assert (check["verdict"], check["count"]) == ("FAIL", 4)
    assert check["first"]["figure"] == "inventory.orders.total"


@contextmanager
def answering(*bodies: bytes | None) -> Iterator[str]:
    """Somebody who answers so, one after the other; with None that one may come again at once."""
    left = list(bodies)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = left.pop(0)
            self.send_response(200 if body else 503)
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("bodies", "verdict", "detail"),
    [
        ([b'{"orders": %d}' % number for number in range(6)], "UNKNOWN", "the shop changed each of 3 times"),
        ([b"<html>", b"<html>"], "UNKNOWN", "Expecting value"),
        ([], "UNKNOWN", "GET http"),
        ([b"{}", b"{}"], "FAIL", "19 wrong of 19 figures"),
        ([None, None, b"{}", None, b"{}"], "FAIL", "19 wrong of 19 figures"),
    ],
)
def test_a_summary_that_cannot_be_compared(
    history: History, begin_audit: Callable[..., Audit], bodies: list[bytes | None], verdict: str, detail: str
) -> None:
    """Is unknown; one without figures is wrong."""
    history.write()
    with answering(*bodies) as host:
        check = begin_audit(STAMPEDE_HOST=host).conclude()["summary_equals_recount"]
    assert check["verdict"] == verdict
    assert detail in check["detail"]
