"""A small site behind the front, for the checks of how it serves."""

import asyncio
import hashlib
import itertools
import os
import tempfile
import threading

import django
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings

from config.database import database_config, get_pool_stats

THREADS = 8
POOL_MAX = 10
BODY_LIMIT = 48 * 2**20

settings.configure(
    SECRET_KEY="only-for-the-front's-own-checks-" * 2,
    ALLOWED_HOSTS=["127.0.0.1"],
    PUBLIC_BASE_URL="http://127.0.0.1",
    ROOT_URLCONF=__name__,
    STATIC_URL="/static/",
    INSTALLED_APPS=["django_structlog"],
    MIDDLEWARE=["django_structlog.middlewares.RequestMiddleware"],
    DATABASES={
        "default": database_config(
            os.environ["DATABASE_URL"], pool_size=1, max_overflow=POOL_MAX - 1
        )
    },
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
    USE_TZ=True,
    LOGGING={"version": 1, "root": {"level": "ERROR"}},
)
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
django.setup(set_prefix=False)

from django.db import connection, transaction  # noqa: E402
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import translation  # noqa: E402

from config.front import BodyLimits, Front  # noqa: E402

CHUNK = b"x" * 65_536
gate = threading.Semaphore(0)
meeting = threading.Barrier(THREADS)
seen = {"produced": 0, "closed": 0, "slow": 0, "open": 0}


def query():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def health(request):
    query()
    return JsonResponse({"status": "healthy"})


def state(request):
    return JsonResponse(seen | {"pid": os.getpid(), "pool": get_pool_stats()})


def release(request):
    gate.release()
    return HttpResponse()


def echo(request):
    body = request.body
    digest = hashlib.sha256(body).hexdigest()
    return JsonResponse({"size": len(body), "sha256": digest})


def upload(request):
    file = request.FILES["file"]
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    return JsonResponse({"size": file.size, "sha256": digest.hexdigest()})


def gated(request):
    """Yield a part, then wait for the reader to say that it has arrived."""

    def lines():
        for number in range(5):
            yield f"{number}\n"
            if not gate.acquire(timeout=5):
                raise TimeoutError("The part did not arrive.")

    return StreamingHttpResponse(lines())


def large(request):
    def chunks():
        for _ in range(int(request.GET["megabytes"]) * 16):
            seen["produced"] += len(CHUNK)
            yield CHUNK

    return StreamingHttpResponse(chunks())


def file(request):
    held = tempfile.TemporaryFile()  # noqa: SIM115 (the response closes it)
    held.write(CHUNK * 48)
    held.seek(0)
    return FileResponse(held)


def endless(request):
    query()
    if "meet" in request.GET:
        meeting.wait(timeout=5)

    def ticks():
        waiting = threading.Event()
        try:
            while True:
                yield "tick\n"
                waiting.wait(0.02)
        finally:
            seen["closed"] += 1

    return StreamingHttpResponse(ticks())


def rows(request):
    """Read through a server-side cursor, which belongs to one thread's connection."""
    query()

    def lines():
        with transaction.atomic(), connection.chunked_cursor() as cursor:
            cursor.execute("SELECT generate_series(1, 5000)")
            while batch := cursor.fetchmany(50):
                yield "".join(f"{number}\n" for (number,) in batch)

    return StreamingHttpResponse(lines())


def broken(request):
    def lines():
        yield "one\n"
        raise RuntimeError("The second part cannot be made.")

    return StreamingHttpResponse(lines())


def slow(request):
    with connection.cursor() as cursor:
        seen["slow"] += 1
        cursor.execute("SELECT pg_sleep(%s)", [float(request.GET["seconds"])])
    return JsonResponse({"slow": "but done"})


def meet(request):
    """Answer only when as many requests as there are threads run at once."""
    query()
    meeting.wait(timeout=5)
    return HttpResponse("met")


def leave_a_mark(request):
    before = dict(structlog.contextvars.get_contextvars())
    language = translation.get_language()
    structlog.contextvars.bind_contextvars(mark="left")
    translation.activate("de")
    return JsonResponse({"mark": before.get("mark"), "language": language})


async def ticks_stream(request):
    async def ticks():
        seen["open"] += 1
        try:
            for number in itertools.count():
                yield f"id: {number}\ndata: tick\n\n"
                await asyncio.sleep(0.05)
        finally:
            seen["open"] -= 1

    # Its connection is left open on purpose: the front must give it back.
    await sync_to_async(query)()
    return StreamingHttpResponse(ticks(), content_type="text/event-stream")


urlpatterns = [
    path("health", health),
    path("state", state),
    path("release", release),
    path("echo", echo),
    path("upload", upload),
    path("gated", gated),
    path("large", large),
    path("file", file),
    path("endless", endless),
    path("rows", rows),
    path("broken", broken),
    path("slow", slow),
    path("meet", meet),
    path("mark", leave_a_mark),
    path("ticks/stream", ticks_stream),
    path("ticks/stream/", ticks_stream),
]
application = Front(threads=THREADS, body=BodyLimits(BODY_LIMIT, pause_seconds=2))
