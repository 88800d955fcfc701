"""What Locust lacks for a cluster; works with any locustfile."""
