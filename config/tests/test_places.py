"""Places of the workers: nobody holds up others, and what waits is not forgotten."""

import os
import signal
import subprocess
import threading
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import orjson
import pytest
import redis
from django.db import connections
from django.utils import timezone

from accounts.models import Organization, WebhookDelivery, WebhookEvent, WorkStatus
from accounts.tests.factories import MembershipFactory, make_webhook
from accounts.tests.webhooks.receivers import receiving
from accounts.webhooks import delivery
from accounts.work.leases import claim, finish, holds, renew, send
from accounts.work.places import next_in_turn
from agents.lifecycle.creation import start_optimization
from agents.models import Document, OptimizationRun
from agents.replies import sweep
from agents.tests.factories import AgentFactory, DocumentFactory
from agents.tests.replies.test_replies_served import surroundings
from config.celery import app
from config.embedded import broker_url
from config.environment import BASE_DIR
from config.tests.serving import until

LONG_AGO = timezone.now() - timedelta(minutes=5)
# Promised is a third of it.
LONGEST_SECONDS = 6


@pytest.fixture
def broker(settings, worker_id):
    """A database of its own for this test's messages."""
    number = 12 + (int(worker_id[2:]) if worker_id.startswith("gw") else 0)
    url = settings.REDIS_URL.replace("?db=0", f"?db={number}")
    app.loader.import_default_modules()
    usual, app.conf.broker_write_url = app.conf.broker_write_url, broker_url(url)
    client = redis.Redis.from_url(url)
    client.connection_pool.url = url
    client.flushdb()
    yield client
    client.flushdb()
    app.conf.broker_write_url = usual


def sent(broker, queue):
    """Return the first argument of each message of a queue, the oldest first."""
    messages = map(orjson.loads, reversed(broker.lrange(f"ya:celery:{queue}", 0, -1)))
    return [orjson.loads(b64decode(each["body"]))[0][0] for each in messages]


def documents(organization, count, **fields):
    return DocumentFactory.create_batch(
        count, knowledge_pack__organization=organization, run_after=LONG_AGO, **fields
    )


def files(organization, count):
    return documents(organization, count, file_hash="known")


def run_of(organization):
    """Return a pending optimization."""
    agent = AgentFactory(organization=organization)
    OptimizationRun.objects.filter(agent=agent).delete()
    return start_optimization(agent, agent.live_version)


def taken(row):
    return claim(type(row), row.pk, lease_seconds=60, give_up=pytest.fail)


@pytest.fixture
def other():
    return MembershipFactory().organization


@pytest.mark.django_db
def test_files_of_one_organization_are_done_one_at_a_time(harbor, other):
    mine, theirs = files(harbor, 2), files(other, 1)
    assert taken(mine[0])
    assert taken(mine[1]) is None
    assert taken(theirs[0])


@pytest.mark.django_db
def test_a_text_waits_for_no_file(harbor):
    assert taken(files(harbor, 1)[0])
    assert all(map(taken, documents(harbor, 2)))


@pytest.mark.django_db
def test_who_holds_half_of_the_places_waits_while_another_does(harbor, other):
    first, second, theirs = run_of(harbor), run_of(harbor), run_of(other)
    assert taken(first)
    assert taken(second) is None
    assert taken(theirs)
    assert taken(second)


@pytest.mark.django_db
def test_who_is_alone_may_have_all_places(harbor):
    assert all(taken(run_of(harbor)) for _ in range(3))


@pytest.mark.django_db
def test_everybody_may_hold_one_place(harbor, other, settings):
    settings.PLACES = settings.PLACES | {"work": 1}
    run_of(harbor)
    assert taken(run_of(other))


@pytest.mark.django_db
def test_a_file_that_waits_for_one_of_its_own_keeps_nobody_waiting(harbor, other):
    theirs = files(other, 2)
    assert taken(theirs[0])
    assert taken(run_of(harbor))
    assert taken(run_of(harbor))


@pytest.mark.django_db
def test_the_turn_is_whose_organization_holds_least(harbor, other):
    assert taken(run_of(harbor))
    run_of(harbor)
    theirs = run_of(other)
    assert next_in_turn("work").work_id == theirs.pk


@pytest.mark.threaded
@pytest.mark.django_db(transaction=True)
def test_two_who_claim_at_once_do_not_both_get_the_last_place(harbor):
    for _ in range(10):
        rows = files(harbor, 2)
        barrier = threading.Barrier(2)

        def race(row, barrier=barrier):
            try:
                barrier.wait(10)
                return taken(row)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as both:
            found = [row for row in both.map(race, rows) if row]
        assert len(found) == 1
        Document.objects.all().delete()


@pytest.mark.django_db
def test_a_job_that_ends_sends_the_one_that_waits_for_its_place(
    harbor, broker, django_capture_on_commit_callbacks
):
    first, second = files(harbor, 2)
    held = taken(first)
    with django_capture_on_commit_callbacks(execute=True):
        finish(held, WorkStatus.DONE)
    assert sent(broker, "work") == [str(second.pk)]


@pytest.mark.django_db
def test_a_job_that_was_deleted_meanwhile_leaves_its_place(
    harbor, broker, django_capture_on_commit_callbacks
):
    first, second = documents(harbor, 2)
    held = taken(first)
    Document.objects.filter(pk=first.pk).delete()
    with django_capture_on_commit_callbacks(execute=True):
        assert not finish(held, WorkStatus.DONE)
    assert sent(broker, "work") == [str(second.pk)]


@pytest.mark.django_db
@pytest.mark.parametrize("look", [holds, partial(renew, lease_seconds=60)])
def test_who_finds_its_job_gone_leaves_its_place(harbor, broker, look):
    first, second = documents(harbor, 2)
    held = taken(first)
    Document.objects.filter(pk=first.pk).delete()
    assert not look(held)
    assert sent(broker, "work") == [str(second.pk)]


@pytest.mark.django_db
def test_who_was_sent_for_a_job_that_another_has_sends_the_next(harbor, other, broker):
    mine, theirs = documents(harbor, 2), documents(other, 1)
    assert taken(mine[0])
    assert taken(mine[0]) is None
    assert sent(broker, "work") == [str(theirs[0].pk)]


@pytest.mark.django_db
def test_who_was_sent_for_what_a_deletion_stopped_sends_the_next(harbor, other, broker):
    mine, theirs = documents(harbor, 1), documents(other, 1)
    harbor.soft_delete()
    assert taken(mine[0]) is None
    assert sent(broker, "work") == [str(theirs[0].pk)]


@pytest.mark.threaded
@pytest.mark.django_db(transaction=True)
def test_of_two_who_were_sent_for_one_job_the_second_sends_the_next(
    harbor, other, broker
):
    for _ in range(10):
        mine, theirs = documents(harbor, 1), documents(other, 1)
        barrier = threading.Barrier(2)

        def race(_, row=mine[0], barrier=barrier):
            try:
                barrier.wait(10)
                return taken(row)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as both:
            found = [row for row in both.map(race, range(2)) if row]
        assert len(found) == 1
        assert sent(broker, "work") == [str(theirs[0].pk)]
        broker.flushdb()
        Document.objects.all().delete()


@pytest.mark.django_db
def test_the_sweep_sends_again_only_what_waits_for_long(harbor, other, broker):
    old, new = documents(harbor, 1), documents(other, 1)
    waits_since = timezone.now() - timedelta(seconds=20)
    Document.objects.filter(pk=new[0].pk).update(run_after=waits_since)
    sweep.resend()
    assert sent(broker, "work") == [str(old[0].pk)]


@pytest.mark.django_db
def test_the_sweep_sends_what_is_due_once_more(harbor, broker):
    row = documents(harbor, 1)[0]
    due = timezone.now() - timedelta(seconds=2)
    Document.objects.update(run_after=due, attempt=1)
    sweep.resend()
    assert sent(broker, "work") == [str(row.pk)]


@pytest.mark.django_db
def test_the_sweep_sends_of_each_organization_what_could_begin(harbor, other, broker):
    mine, theirs = documents(harbor, 5), documents(other, 5)
    sweep.resend()
    assert len(sent(broker, "work")) == 2
    assert {
        Document.objects.get(pk=pk).organization for pk in sent(broker, "work")
    } == {
        mine[0].organization,
        theirs[0].organization,
    }


@pytest.mark.django_db
def test_what_an_older_version_sent_is_sent_to_its_queue(broker):
    send("accounts.tasks.send_invitation", "one")
    send("agents.tasks.index_document", "two")
    for queue in ("io", "work"):
        broker.rpoplpush(f"ya:celery:{queue}", "ya:celery:default")
    broker.rpush("ya:celery:default", b"no message")
    broker.lpush("ya:celery:default", broker.lindex("ya:celery:default", -2))
    sweep.resend()
    sweep.resend()
    assert "one" in sent(broker, "io")
    assert "two" in sent(broker, "work")
    assert broker.llen("ya:celery:default") == 0


@pytest.fixture
def io_worker(broker, tmp_path):
    """Start the Procfile's own command for `io`, with so many places."""
    started = []

    def start(places):
        lines = (BASE_DIR / "Procfile").read_text().splitlines()
        command = next(line for line in lines if line.startswith("io:"))
        environ = surroundings(
            IO_CONCURRENCY=str(places),
            REDIS_URL=broker.connection_pool.url,
            OUTBOUND_ALLOWED_NETWORKS="127.0.0.0/8",
        )
        with (tmp_path / "worker.log").open("wb") as log:
            started.append(
                subprocess.Popen(  # noqa: S603
                    ["/bin/bash", "-c", command.partition(":")[2]],
                    cwd=BASE_DIR,
                    env=os.environ | environ,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    yield start
    for worker in started:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(10)


def publish(member, times):
    organization = Organization.objects.get(pk=member.organization_id)
    for _ in range(times):
        delivery.publish(organization, WebhookEvent.AGENT_CREATED, {"id": "1"})


@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_an_endpoint_that_hangs_holds_up_no_other_organization(
    settings, ada, io_worker
):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    other, over = MembershipFactory(), threading.Event()
    with receiving(wait=over.wait) as hanging, receiving() as good:
        make_webhook(ada, hanging.url)
        make_webhook(other, good.url)
        io_worker(4)
        publish(ada, 8)
        until(lambda: len(hanging.requests) == 2, 30)
        publish(other, 5)
        until(lambda: len(good.requests) == 5, LONGEST_SECONDS)
        running = WebhookDelivery.objects.running().filter(
            organization=ada.organization
        )
        assert running.count() == 2
        over.set()


@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_the_sweep_has_its_place_though_all_others_hang(
    settings, ada, io_worker, broker
):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    over = threading.Event()
    with receiving(wait=over.wait) as hanging:
        make_webhook(ada, hanging.url)
        io_worker(2)
        publish(ada, 8)
        until(lambda: len(hanging.requests) == 2, 30)
        row = documents(ada.organization, 1)[0]
        with app.connection_for_write() as line:
            app.send_task("agents.tasks.sweep", connection=line)
        until(lambda: str(row.pk) in sent(broker, "work"), LONGEST_SECONDS)
        over.set()
