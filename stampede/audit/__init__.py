"""The audit: is the data right after a run? A separate process, with psycopg2 and without Locust."""
