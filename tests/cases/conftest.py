"""The inputs are locustfiles, some of which pytest would take for tests."""

collect_ignore = ["inputs"]
