"""A browser, a cluster, and the page that shows it."""

import os

from tests.browser.pages import browser, cluster, page  # noqa: F401
from tests.clusters import checkout  # noqa: F401

collect_ignore = [] if os.environ.get("UPDATE_SCREENSHOTS") else ["test_picture.py"]
