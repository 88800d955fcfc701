"""Judges a run of tickets.py: no ticket may be sold twice. Any language will do for this."""

import gzip
import json
import sys
from collections import Counter
from pathlib import Path

folder = Path(sys.argv[1])
sys.stdin.read()  # until the ledger is complete

with gzip.open(folder / "ledger.jsonl.gz", "rt") as lines:
    ledger = [json.loads(line) for line in lines]
sold = Counter(entry["ticket"] for entry in ledger if entry.get("outcome") == "ok")
twice = [ticket for ticket, buyers in sold.items() if buyers > 1]

check = {
    "name": "no_ticket_sold_twice",
    "verdict": "FAIL" if twice else "PASS" if sold else "NOT_ASKED",
    "examined": len(sold),
    "count": len(twice),
    "detail": f"{len(sold)} tickets, {len(twice)} of them sold twice",
    "first": {"ticket": twice[0], "buyers": sold[twice[0]]} if twice else None,
}
print(json.dumps({"checks": [check]}))
