# a constructor that does not call the base class's
from locust import HttpUser, constant, task


class Visitor(HttpUser):
    wait_time = constant(0.3)

    def __init__(self, environment):
        self.basket = []

    @task
    def look(self):
        self.client.get("/list", name="/list")
