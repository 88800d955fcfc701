"""What a run leaves behind, as types: ``run.json``, ``verdict.json`` and what they are made of."""
