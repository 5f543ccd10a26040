import gc
import weakref
from io import BytesIO

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from accounts.tests.factories import make_key
from agents.tests.factories import AgentFactory
from config.front import PlainHandler


@pytest.fixture
def handler(db):
    """What answers plain requests, on the test's own connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield PlainHandler(threads=1)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def no_collector():
    gc.disable()
    yield
    gc.enable()


def test_a_list_is_gone_with_its_answer(ada, handler, no_collector):
    AgentFactory(organization=ada.organization)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/agents/",
        "headers": [(b"host", b"localhost"), (b"x-api-key", make_key(ada).encode())],
    }
    answer = handler.answer(scope, BytesIO())
    gone = weakref.ref(answer)
    assert (answer.status_code, answer.data["count"]) == (200, 1)
    del answer
    assert gone() is None
