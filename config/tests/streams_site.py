"""A small site that relays events, for the checks of many readers at once."""

import os

import django
import structlog
from django.conf import settings

from config.database import database_config, get_pool_stats

POOL_MAX = 8

settings.configure(
    SECRET_KEY="only-for-the-streams'-own-checks-" * 2,
    ALLOWED_HOSTS=["127.0.0.1"],
    PUBLIC_BASE_URL="http://127.0.0.1",
    ROOT_URLCONF=__name__,
    STATIC_URL="/static/",
    DATABASES={
        "default": database_config(
            os.environ["DATABASE_URL"], pool_size=1, max_overflow=POOL_MAX - 1
        )
    },
    REDIS_URL=os.environ["REDIS_URL"],
    USE_TZ=True,
    LOGGING={"version": 1, "root": {"level": "ERROR"}},
)
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
django.setup(set_prefix=False)

from django.db import connection  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402

from agents.conversations import event_stream  # noqa: E402
from config.front import BodyLimits, Front  # noqa: E402


def query():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def health(request):
    query()
    return JsonResponse({"pid": os.getpid(), "pool": get_pool_stats()})


async def stream(request, session_id):
    def authorize():
        query()
        return event_stream.Admission(session_id, event_stream.requested_after(request))

    return await event_stream.open_stream(authorize)


def plain_stream(request, session_id):
    """Open the same stream from an ordinary synchronous view."""
    query()
    return event_stream.event_stream(session_id, event_stream.requested_after(request))


urlpatterns = [
    path("health", health),
    path("sessions/<uuid:session_id>/stream", stream),
    path("plain/<uuid:session_id>/stream", plain_stream),
]
application = Front(threads=4, body=BodyLimits(2**20))
