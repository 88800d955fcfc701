"""Which load: profiles, which user classes take part, and at what pace."""
