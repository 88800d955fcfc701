"""Takes every connection that PostgreSQL has for an ordinary role, and whatever becomes free.

Runs where psycopg2 and the database are at hand: `python -c THIS SECONDS`, with AUDIT_DATABASE_URL. Prints
how many it holds as soon as there are no more. Gives them back when its input ends, or time is over.
"""

import os
import sys
import threading
import time

import psycopg2

from stampede.audit.database import database_of


def end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()
deadline = time.monotonic() + float(sys.argv[1])
held = []
told = False
while time.monotonic() < deadline:
    try:
        held.append(psycopg2.connect(database_of(os.environ), application_name="chaos", connect_timeout=2))
    except psycopg2.OperationalError:
        if not told:
            print(len(held), flush=True)
        told = True
        time.sleep(0.01)  # somebody who lost theirs comes back for it: be there before them
