"""Targets: limits that are stated before a run and measured in it. Pure: no Locust, no gevent."""
