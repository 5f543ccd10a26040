"""The agent a key is bound to, for as long as the key is good."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access.api_keys import create_api_key
from accounts.models import APIKey, Membership, Scope
from agents.lifecycle.deletion import delete_agent
from agents.lifecycle.lookup import get_agent_by_api_key
from agents.tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(harbor):
    return AgentFactory(organization=harbor)


@pytest.fixture
def raw(ada, agent):
    return create_api_key(
        user=ada.user,
        organization=ada.organization,
        name="Site",
        scopes=[Scope.CHAT],
        agent_public_id=agent.public_id,
    )[1]


def test_a_bound_key_finds_its_agent_in_one_query(
    agent, raw, django_assert_num_queries
):
    with django_assert_num_queries(1):
        found = get_agent_by_api_key(raw)
        assert (found, found.live_version.number) == (agent, 1)


def revoke(ada):
    APIKey.objects.get().soft_delete()


def expire(ada):
    past = timezone.now() - timedelta(seconds=1)
    APIKey.objects.update(expires_at=past)


def unbind(ada):
    APIKey.objects.update(agent_public_id=None)


def leave(ada):
    Membership.objects.get(pk=ada.pk).delete()


def deactivate(ada):
    ada.user.deactivate()


def close(ada):
    ada.organization.soft_delete()


@pytest.mark.parametrize("end", [revoke, expire, unbind, leave, deactivate, close])
def test_a_key_that_is_no_longer_good_finds_none(ada, raw, end):
    end(ada)
    assert get_agent_by_api_key(raw) is None


def test_a_deleted_agent_is_not_found(agent, raw):
    delete_agent(agent=agent, actor=None)
    assert get_agent_by_api_key(raw) is None


@pytest.mark.parametrize("wrong", ["", "ya_live_", "ya_live_" + "0" * 36])
def test_what_is_no_key_costs_no_query(raw, wrong, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert get_agent_by_api_key(wrong) is None


def test_a_key_of_another_organization_finds_none(cy, agent):
    """Bound by hand: the domain refuses to make such a key."""
    foreign = create_api_key(
        user=cy.user, organization=cy.organization, name="Site", scopes=[Scope.CHAT]
    )
    APIKey.objects.filter(pk=foreign[0].pk).update(agent_public_id=agent.public_id)
    assert get_agent_by_api_key(foreign[1]) is None
