"""Exit with 0 if the master has answered this worker lately, else with 1.

The worker touches a file for each second in which it is connected. A TCP connection alone is no sign: it is
also there where the master refuses the worker.
"""

import os
import sys
import time
from pathlib import Path

MAX_AGE = 10.0
"""Seconds."""

try:
    age = time.time() - Path(os.environ["STAMPEDE_SIGN_OF_LIFE"]).stat().st_mtime
except OSError:
    sys.exit(1)
sys.exit(age > MAX_AGE)
