# data that test_start is to load, on each worker, is not there
from locust import HttpUser, constant, events, task


class Visitor(HttpUser):
    wait_time = constant(0.3)

    @task
    def look(self):
        self.client.get("/list", name="/list")


@events.test_start.add_listener
def load(environment, **_):
    environment.accounts = open("accounts.csv").readlines()
