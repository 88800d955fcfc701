"""Exit with 0 if this container has a connection to a master, which listens on port 5557, else with 1."""

import sys
from pathlib import Path

PORT = f":{5557:04X}"
ESTABLISHED = "01"

tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
rows = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()]
sys.exit(not any(row[2].endswith(PORT) and row[3] == ESTABLISHED for row in rows))
