"""The verdict: the facts of a run in, its checks out. Pure: no Locust, no gevent."""
