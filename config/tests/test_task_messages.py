"""A task's message is the one Celery and kombu would have sent."""

import base64
import json
import re

import pytest
import redis
import structlog
from django.conf import settings

import agents.tasks  # noqa: F401 - Celery then knows them
from accounts.work.task_messages import publish
from config.celery import app

TASK = "agents.tasks.optimize_agent_prompt_background"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WORK_ID = "0190b3f2c1d94e2f"


@pytest.fixture
def broker():
    """The queues, empty before and after."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        prefix = app.conf.broker_transport_options["global_keyprefix"]
        queues = [f"{prefix}{queue.name}" for queue in app.conf.task_queues]
        client.delete(*queues)
        yield lambda: [
            json.loads(text) for q in queues for text in client.lrange(q, 0, -1)
        ]
        client.delete(*queues)


def without_ids(message):
    """Ids replaced by the order in which they appear, and the body read."""
    seen = {}
    text = UUID.sub(
        lambda found: seen.setdefault(found[0], f"id {len(seen)}"),
        json.dumps(message, sort_keys=True),
    )
    plain = json.loads(text)
    return plain | {"body": json.loads(base64.b64decode(message["body"]))}


@pytest.mark.parametrize("task", [TASK, "agents.tasks.answer"])
def test_a_message_is_what_celery_would_send(broker, task):
    # Celery asks the task itself for its options, once it is known.
    assert task in app.tasks
    with structlog.contextvars.bound_contextvars(request_id="a request"):
        publish(app, task, WORK_ID)
        app.send_task(task, args=(WORK_ID,))
    celerys, ours = broker()
    # Where results would go, but nobody asks for any.
    celerys["properties"]["reply_to"] = ""
    assert without_ids(ours) == without_ids(celerys)
    assert ours["headers"]["__django_structlog__"] == {"request_id": "a request"}


def test_no_two_messages_have_the_same_ids(broker):
    publish(app, TASK, WORK_ID)
    publish(app, TASK, WORK_ID)
    one, other = (message["properties"] for message in broker())
    assert one["correlation_id"] != other["correlation_id"]
    assert one["delivery_tag"] != other["delivery_tag"]
