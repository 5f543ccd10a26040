"""What is remembered is never older than what is committed."""

import threading
import time

import pytest
import redis
from django.db import transaction

from accounts import cache
from accounts.models import Membership, Organization, Role
from accounts.organizations import members, memberships
from accounts.tests.factories import MembershipFactory, OrganizationFactory
from config.tests.serving import free_port, until

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def memory(settings):
    """The Redis behind the memory."""
    cache.forget_everything()
    return redis.Redis.from_url(settings.REDIS_URL)


@pytest.fixture
def away(settings):
    """Call it to take Redis away, and with False to bring it back."""
    usual = settings.REDIS_URL

    def switch(is_away: bool = True):
        gone = f"redis://127.0.0.1:{free_port()}/0"
        settings.REDIS_URL = gone if is_away else usual

    return switch


def load_one():
    return {"number": 1}


def refuse():
    raise AssertionError("The database was asked.")


def elsewhere(work):
    """Do it in another thread, on a connection of its own."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)


def recall(load, key="x"):
    return cache.recall("thing", key, seconds=60, load=load)


def test_what_was_read_once_is_remembered(memory):
    assert recall(load_one) == {"number": 1}
    assert recall(refuse) == {"number": 1}


def test_nothing_is_remembered_of_what_is_not_there(memory):
    assert recall(lambda: None) is None
    assert recall(load_one) == {"number": 1}


def test_a_life_of_no_seconds_remembers_nothing(memory):
    cache.recall("thing", "x", seconds=0, load=load_one)
    assert recall(lambda: {"number": 2}) == {"number": 2}


def test_an_uncommitted_value_is_not_remembered(memory):
    with transaction.atomic():
        assert recall(load_one) == {"number": 1}
        transaction.set_rollback(True)
    assert recall(lambda: {"number": 2}) == {"number": 2}


def test_a_change_is_forgotten_at_its_commit(memory):
    recall(load_one)
    with transaction.atomic():
        cache.forget("thing", "x")
    assert recall(lambda: {"number": 2}) == {"number": 2}
    assert recall(refuse) == {"number": 2}


def test_a_rollback_keeps_the_old_value(memory):
    organization = OrganizationFactory(name="Old")
    memberships.organization_by_id(organization.pk)
    with transaction.atomic():
        organization.name = "New"
        organization.save()
        transaction.set_rollback(True)
    assert memberships.organization_by_id(organization.pk).name == "Old"


def test_while_a_change_is_under_way_nobody_stores(memory):
    with transaction.atomic():
        cache.forget("thing", "x")
        elsewhere(lambda: recall(load_one))
        assert memory.get(cache._name("thing", "x")) is None


def read_across_a_change():
    """Ask the database, and go on only after somebody has changed it."""

    def load():
        elsewhere(lambda: cache.forget("thing", "x"))
        return {"number": "old"}

    return recall(load)


def test_who_read_before_a_change_does_not_store_after_it(memory):
    read_across_a_change()
    assert recall(load_one) == {"number": 1}


def test_without_the_mark_they_would(memory, monkeypatch):
    blind = "redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])"
    monkeypatch.setattr(cache, "_keep", lambda client: client.register_script(blind))
    read_across_a_change()
    assert recall(load_one) == {"number": "old"}


def test_only_one_of_many_readers_stores(memory):
    def second():
        return recall(lambda: {"number": 2})

    def load():
        elsewhere(second)
        return {"number": 1}

    recall(load)
    assert recall(refuse) == {"number": 1}


def test_without_redis_every_read_goes_to_the_database(memory, away):
    recall(load_one)
    away()
    assert recall(lambda: {"number": 2}) == {"number": 2}


def test_what_changed_without_redis_is_forgotten_once_it_is_back(memory, away):
    recall(load_one)
    away()
    with transaction.atomic():
        cache.forget("thing", "x")
    away(False)
    begun = time.monotonic()
    until(lambda: memory.get(cache._name("thing", "x")) is None)
    assert time.monotonic() - begun < 1


def test_a_changed_organization_is_read_anew(memory, settings):
    organization = OrganizationFactory(name="Old", settings={"tone": "calm"})
    assert memberships.organization_by_id(organization.pk).settings == {"tone": "calm"}
    lasts = memory.ttl(cache._name("organization", organization.pk))
    assert settings.CACHE_TTL_ORG - 5 <= lasts <= settings.CACHE_TTL_ORG == 900
    organization.name = "New"
    organization.save()
    assert memberships.organization_by_id(organization.pk).name == "New"


def test_where_one_belongs_costs_no_query_the_second_time(
    memory, django_assert_num_queries
):
    member = MembershipFactory(role=Role.EDITOR)
    memberships.memberships_of(member.user)
    memberships.memberships_of(member.user)
    with django_assert_num_queries(0):
        (found,) = memberships.memberships_of(member.user)
    assert (found.role, found.organization.name) == (
        Role.EDITOR,
        member.organization.name,
    )


def test_what_moves_is_read_when_asked(memory, django_assert_num_queries):
    member = MembershipFactory()
    memberships.memberships_of(member.user)
    memberships.memberships_of(member.user)
    Organization.objects.filter(pk=member.organization_id).update(agent_count=7)
    (found,) = memberships.memberships_of(member.user)
    with django_assert_num_queries(1):
        assert found.organization.agent_count == 7


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_member_who_was_removed_is_refused_at_once(memory, client, method):
    owner = MembershipFactory()
    member = MembershipFactory(organization=owner.organization)
    client.force_login(member.user)
    path = "/api/v1/agents/"
    assert client.get(path).status_code == 200
    assert client.get(path).status_code == 200
    members.remove_member(
        organization=owner.organization, actor=owner.user, user_id=member.user_id
    )
    refused = getattr(client, method)(path, {}, content_type="application/json")
    assert refused.status_code in (403, 404)
    assert client.get("/agents/").status_code == 404


def test_a_process_that_dies_at_its_commit_leaves_no_old_role(
    memory, client, monkeypatch
):
    owner = MembershipFactory()
    member = MembershipFactory(organization=owner.organization)
    client.force_login(member.user)
    assert client.get("/agents/").status_code == 200
    # What would come right after the commit never comes.
    monkeypatch.setattr(cache, "_release", lambda name: None)
    members.remove_member(
        organization=owner.organization, actor=owner.user, user_id=member.user_id
    )
    assert client.get("/agents/").status_code == 404


def test_a_role_that_was_lowered_counts_at_once(memory, client):
    owner = MembershipFactory()
    member = MembershipFactory(organization=owner.organization, role=Role.EDITOR)
    client.force_login(member.user)
    assert client.get("/agents/new/").status_code == 200
    members.change_role(
        organization=owner.organization,
        actor=owner.user,
        user_id=member.user_id,
        role=Role.VIEWER,
    )
    assert client.get("/agents/new/").status_code == 403


def test_a_deleted_organization_is_left_at_once(memory, client):
    member = MembershipFactory()
    client.force_login(member.user)
    assert client.get("/agents/").status_code == 200
    member.organization.soft_delete()
    assert client.get("/agents/").status_code == 404


def test_a_new_membership_shows_at_once(memory):
    member = MembershipFactory()
    assert len(memberships.memberships_of(member.user)) == 1
    Membership.objects.create(
        organization=OrganizationFactory(), user=member.user, role=Role.VIEWER
    )
    assert len(memberships.memberships_of(member.user)) == 2
