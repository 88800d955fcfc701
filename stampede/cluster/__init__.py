"""Master and workers: no user and no request is lost when workers join, leave or die."""
