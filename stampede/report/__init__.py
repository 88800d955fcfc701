"""Reports of a run, made from its ``run.json`` alone. Pure: no Locust, no gevent."""
