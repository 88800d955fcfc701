"""Types of the files that a run leaves behind: ``run.json``, ``verdict.json`` and their parts."""
