"""Locust without gevent's patches: unit tests open no socket, and this process runs other tests too."""

import os

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
import locust  # noqa: F401

del os.environ["LOCUST_SKIP_MONKEY_PATCH"]  # clusters that tests start are patched as ever
