"""The shop's customers as a user of stock Locust would write them: OrderProcessingUser of load_tests/.

The same tasks with the same weights, the same requests, names and keys. BENCH_USER names the class.
"""

import os
import random
import time
from collections import deque
from uuid import uuid4

from locust import FastHttpUser, HttpUser, constant, constant_throughput, task

RATE_OF_USER = float(os.environ["BENCH_RATE_OF_USER"])


USER = {"FastHttpUser": FastHttpUser, "HttpUser": HttpUser}[os.environ["BENCH_USER"]]


class Customer(USER):
    wait_time = constant_throughput(RATE_OF_USER) if RATE_OF_USER else constant(0)

    def on_start(self):
        if RATE_OF_USER:  # else all users of a second send at the same moment, again and again
            time.sleep(random.random() / RATE_OF_USER)
        self.pages = 1
        self.products = deque(maxlen=100)
        self.orders = deque(maxlen=100)
        self.unpaid = deque(maxlen=100)
        self.unshipped = deque(maxlen=100)

    @task(2)
    def browse(self):
        page = random.randint(1, self.pages)
        answer = self.client.get(f"/products/?page={page}&per_page=20", name="/products/")
        if answer.status_code == 200:
            content = answer.json()
            self.pages = content["total_pages"]
            self.products.extend(product["id"] for product in content["products"])

    @task(8)
    def place_order(self):
        if not self.products:
            self.browse()
            return
        body = {"product_id": random.choice(self.products), "quantity": random.randint(1, 5)}
        headers = {"Idempotency-Key": str(uuid4())}
        with self.client.post(
            "/orders/", json=body, headers=headers, name="/orders/", catch_response=True
        ) as answer:
            if answer.status_code == 201:
                order = answer.json()["id"]
                self.orders.append(order)
                self.unpaid.append(order)
            elif answer.status_code in (404, 409):
                answer.success()

    @task(2)
    def list_orders(self):
        page = random.randint(1, 5)
        self.client.get(f"/orders/?page={page}&per_page=20", name="/orders/")

    @task
    def search_orders(self):
        status = random.choice(("PENDING", "PAID", "SHIPPED", "CANCELED"))
        self.client.get(f"/orders/?status={status}", name="/orders/?filter")

    @task(4)
    def view_order(self):
        if self.orders:
            self.client.get(f"/orders/{random.choice(self.orders)}", name="/orders/{id}")
        else:
            self.place_order()

    @task(5)
    def pay_order(self):
        if self.unpaid:
            order = self.unpaid.popleft()
            if self.change(order, "pay"):
                self.unshipped.append(order)
        else:
            self.place_order()

    @task(4)
    def ship_order(self):
        if self.unshipped:
            self.change(self.unshipped.popleft(), "ship")
        else:
            self.pay_order()

    @task
    def cancel_order(self):
        if self.orders:
            self.change(random.choice(self.orders), "cancel")
        else:
            self.place_order()

    def change(self, order, act):
        with self.client.post(
            f"/orders/{order}/{act}", name=f"/orders/{{id}}/{act}", catch_response=True
        ) as answer:
            if answer.status_code in (404, 422):
                answer.success()
            return answer.status_code == 200
