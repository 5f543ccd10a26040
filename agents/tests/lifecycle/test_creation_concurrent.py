"""The limit and the key under many hands; each guard is shown to be the reason."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.db import connection, connections
from rest_framework.test import APIClient

from accounts.models import Organization, Plan
from accounts.models.organizations import OrganizationQuerySet
from accounts.tests.factories import MembershipFactory, OrganizationFactory, make_key
from agents.lifecycle import creation, deletion
from agents.models import Agent
from agents.tests.factories import AgentFactory

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]
URL = "/api/v1/agents/"
THREADS = 40


def at_once(count, work):
    """Run work(number) in many threads that start together; return the results."""
    together = threading.Barrier(count)

    def run(number):
        together.wait(timeout=30)
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def post(key, path, body):
    """Send a request, again and unchanged while the answer is 409."""
    client = APIClient(headers={"X-API-Key": key})
    for _ in range(20):
        response = client.post(path, body, format="json")
        if response.status_code != 409:
            break
    return response


@pytest.fixture
def owner():
    organization = OrganizationFactory(plan=Plan.PRO, max_agents=10)
    return MembershipFactory(organization=organization)


def test_forty_hands_by_three_doors_leave_exactly_ten_agents(owner):
    organization = owner.organization
    source = AgentFactory(organization=organization, name="Source")
    deleted = [
        AgentFactory(organization=organization, name=f"Deleted {n}") for n in range(9)
    ]
    for agent in deleted:
        deletion.delete_agent(agent=agent, actor=None)
    key = make_key(owner)

    def ask(number):
        if number % 4 == 0:
            path, body = f"{URL}{deleted[number // 4 % 9].public_id}/restore/", {}
        elif number % 4 == 1:
            path, body = f"{URL}{source.public_id}/clone/", {"name": f"Clone {number}"}
        else:
            path, body = URL, {"name": f"New {number}", "auto_optimize": False}
        return post(key, path, body).status_code

    statuses = at_once(THREADS, ask)
    organization.refresh_from_db()
    assert Agent.objects.filter(organization=organization).count() == 10
    assert organization.agent_count == 10
    assert set(statuses) <= {200, 201, 403}
    assert statuses.count(403) >= THREADS - 9 - len(deleted)


def test_forty_requests_with_one_key_leave_one_agent_and_39_replays(owner):
    key, idempotency_key = make_key(owner), str(uuid4())

    def ask(number):
        response = post(key, URL, {"name": "One", "idempotency_key": idempotency_key})
        return response.status_code, response.json()["id"]

    answers = at_once(THREADS, ask)
    assert Agent.objects.count() == 1
    assert sorted(status for status, _ in answers) == [200] * 39 + [201]
    assert len({public_id for _, public_id in answers}) == 1


# --- controls: with the lock the second never arrives, without it both pass ---
@contextmanager
def a_meeting_between_check_and_insert(monkeypatch):
    """Let two creations meet after the check; return how many arrived together."""
    meeting, arrived = threading.Barrier(2), []
    insert = creation._new_agent

    def meet(*args):
        try:
            meeting.wait(timeout=1)
            arrived.append("together")
        except threading.BrokenBarrierError:
            arrived.append("alone")
        return insert(*args)

    monkeypatch.setattr(creation, "_new_agent", meet)
    yield arrived


def create_two(owner, monkeypatch):
    """Race two creations for the last place; return the living agents."""
    Organization.objects.filter(pk=owner.organization_id).update(max_agents=1)
    with a_meeting_between_check_and_insert(monkeypatch) as arrived:

        def create(number):
            try:
                creation.create_agent(
                    organization=owner.organization,
                    created_by=owner.user,
                    name=f"Agent {number}",
                    auto_optimize=False,
                )
            except creation.AgentLimitReached:
                return "refused"
            return "created"

        results = at_once(2, create)
    return sorted(results), arrived


def test_two_requests_cannot_share_the_last_place(owner, monkeypatch):
    results, arrived = create_two(owner, monkeypatch)
    assert results == ["created", "refused"]
    assert arrived == ["alone"]


def test_without_the_lock_they_would(owner, monkeypatch):
    unlocked = OrganizationQuerySet.get
    monkeypatch.setattr(
        OrganizationQuerySet, "locked", lambda *args: unlocked(args[0], pk=args[1])
    )
    results, arrived = create_two(owner, monkeypatch)
    assert arrived == ["together", "together"]
    assert results == ["created", "created"]


def test_creating_locks_the_organization_but_not_against_its_children(owner):
    recorder = Recorder()
    with connection.execute_wrapper(recorder):
        AgentFactory(organization=owner.organization)
    assert any("FOR NO KEY UPDATE" in sql for sql in recorder.statements)


class Recorder:
    def __init__(self):
        self.statements = []

    def __call__(self, execute, sql, params, many, context):
        self.statements.append(sql)
        return execute(sql, params, many, context)
