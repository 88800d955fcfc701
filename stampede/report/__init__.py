"""A run as pages and files, made from its ``run.json`` alone. Pure: neither Locust nor gevent."""
