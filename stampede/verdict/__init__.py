"""The verdict: the facts of a run in, its checks out. Pure: neither Locust nor gevent."""
