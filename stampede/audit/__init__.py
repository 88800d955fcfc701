"""Is the data right that a run has left? A process of its own, with psycopg2 and without Locust."""
