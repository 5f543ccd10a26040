"""Threads that start together, and threads that meet at one place or do not."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections
from rest_framework.test import APIClient


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run work(number) in many threads that start together; return the results."""
    together = threading.Barrier(count)

    def run(number: int) -> Any:
        together.wait(timeout=30)
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


class Meeting:
    """A place where two threads wait for each other, for a moment.

    A guard that keeps the second away makes both pass alone.
    """

    def __init__(self) -> None:
        self.barrier = threading.Barrier(2)
        self.arrived: list[str] = []

    def wait(self) -> None:
        try:
            self.barrier.wait(timeout=1)
            self.arrived.append("together")
        except threading.BrokenBarrierError:
            self.arrived.append("alone")

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def met(*args: Any, **kwargs: Any) -> Any:
            self.wait()
            return function(*args, **kwargs)

        return met


def send(key: str, method: str, path: str, body: Any, **headers: str) -> Any:
    """Send a request, again and unchanged while the answer is 409."""
    client = APIClient(headers={"X-API-Key": key, **headers})
    for _ in range(20):
        response = getattr(client, method)(path, body, format="json")
        if response.status_code != 409:
            break
    return response
