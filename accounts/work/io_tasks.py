"""Tasks that mostly wait for others' servers, and leave two of their threads free."""

import threading
from functools import cache
from typing import Any

from celery import Task
from django.conf import settings

from accounts.work.places import kinds_of_work

# A job that ends sends the next one a moment before it leaves its place.
PATIENCE_SECONDS = 0.2
RETRY_SECONDS = 1


@cache
def _places() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(settings.PLACES["io"])


class IoTask(Task):
    """A task of the queue `io`: the threads beyond its places are for `control`."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        places = _places()
        if not places.acquire(timeout=PATIENCE_SECONDS):
            if any(self.name == model.task for model in kinds_of_work("io")):
                # Its row waits, and is sent when a place gets free.
                return None
            raise self.retry(countdown=RETRY_SECONDS, max_retries=None)
        try:
            return super().__call__(*args, **kwargs)
        finally:
            places.release()
