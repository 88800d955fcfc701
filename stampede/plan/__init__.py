"""The load of a run: its profile, its user classes and its pace."""
