# as Locust's documentation does it: a request that is to be left out of the statistics
from locust import FastHttpUser, HttpUser, constant, task
from locust.exception import RescheduleTask


class Visitor(HttpUser):
    wait_time = constant(0.2)

    @task
    def look(self):
        with self.client.get("/list", name="left out", catch_response=True) as answer:
            raise RescheduleTask()

    @task
    def count(self):
        self.client.get("/list", name="counted")


class Fast(FastHttpUser):
    wait_time = constant(0.2)

    @task
    def look(self):
        with self.client.get("/list", name="left out", catch_response=True) as answer:
            raise RescheduleTask()
