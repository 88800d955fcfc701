from locust import HttpUser, constant, events, task
from locust.runners import WorkerRunner


class Visitor(HttpUser):
    wait_time = constant(0.2)

    @task
    def look(self):
        self.client.get("/list")


@events.test_start.add_listener
def check(environment, **_):
    if not isinstance(environment.runner, WorkerRunner):
        print("the stock is empty: quitting", flush=True)
        environment.runner.quit()
