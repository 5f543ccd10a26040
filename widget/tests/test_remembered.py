"""What the widget shows of an agent costs no query twice, and is never stale."""

import pytest
import redis
from django.db import transaction
from django.urls import reverse
from rest_framework.test import APIClient

from accounts import cache as memory
from accounts.tests.factories import MembershipFactory, make_key
from agents.lifecycle import cache, deletion, editing, release
from agents.models import Agent, ReleaseGate, WidgetMode
from widget.frame import custom_css_url
from widget.tests.conftest import Visitor
from widget.tests.factories import SITE, SpeakingAgentFactory

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]
CSS = ".ya-panel { color: #123456 }"


@pytest.fixture
def agent():
    memory.forget_everything()
    return SpeakingAgentFactory(
        name="Shipping desk", widget_config={"welcome_message": "Hi", "custom_css": CSS}
    )


@pytest.fixture
def visitor(agent):
    return Visitor(agent)


def edit(agent, **changes):
    return editing.update_agent(agent=agent, actor=None, changes=changes)


def frame_of(client, agent):
    path = reverse("widget:frame", args=[agent.public_id])
    return client.get(path, {"origin": SITE})


def css_of(client, agent):
    return client.get(custom_css_url(cache.find_agent(agent.public_id)))


def test_a_second_boot_asks_nothing_of_the_database(visitor, django_assert_num_queries):
    visitor.boot()
    with django_assert_num_queries(0):
        answer = visitor.boot()
    assert answer.json()["config"]["welcome_message"] == "Hi"


@pytest.mark.parametrize("look", [frame_of, css_of])
def test_nor_does_a_second_frame_or_style_sheet(
    client, agent, look, django_assert_num_queries
):
    assert look(client, agent).status_code == 200
    with django_assert_num_queries(0):
        assert look(client, agent).status_code == 200


def test_a_second_embed_code_asks_for_the_key_alone(agent, django_assert_num_queries):
    key = make_key(MembershipFactory(organization=agent.organization))
    program = APIClient(headers={"X-API-Key": key})
    path = f"/api/v1/agents/{agent.public_id}/embed/"
    first = program.get(path).json()
    with django_assert_num_queries(1):
        assert program.get(path).json() == first


def test_an_agent_is_remembered_for_five_minutes(visitor, agent, settings):
    visitor.boot()
    name = memory._name("agent", agent.public_id)
    lasts = redis.Redis.from_url(settings.REDIS_URL).ttl(name)
    assert 295 <= lasts <= settings.CACHE_TTL_AGENT == 300


def test_an_edit_shows_at_once(visitor, agent):
    visitor.boot()
    edit(agent, name="Desk", widget_config={"welcome_message": "Hello"})
    shown = visitor.boot().json()["config"]
    assert (shown["name"], shown["welcome_message"]) == ("Desk", "Hello")


def test_an_edit_that_is_undone_never_shows(visitor, agent):
    visitor.boot()
    with transaction.atomic():
        edit(agent, name="Desk")
        cache.find_agent(agent.public_id)
        transaction.set_rollback(True)
    assert visitor.boot().json()["config"]["name"] == "Shipping desk"


def test_a_released_draft_shows_at_once(visitor, agent):
    edit(agent, release_gate=ReleaseGate.WARN)
    edit(agent, widget_config={"welcome_message": "Draft"})
    assert visitor.boot().json()["config"]["welcome_message"] == "Hi"
    release.release_draft(agent=agent, actor=None)
    assert visitor.boot().json()["config"]["welcome_message"] == "Draft"


def switch_off(agent):
    edit(agent, is_active=False)


def delete(agent):
    deletion.delete_agent(agent=agent, actor=None)


def delete_organization(agent):
    agent.organization.soft_delete()


@pytest.mark.parametrize("end", [switch_off, delete, delete_organization])
def test_an_agent_that_is_no_more_is_gone_at_once(client, visitor, agent, end):
    assert visitor.boot().status_code == 200
    assert frame_of(client, agent).status_code == 200
    end(agent)
    assert visitor.boot().status_code == 404
    assert frame_of(client, agent).status_code == 404


def test_a_door_that_was_closed_is_closed_at_once(visitor, agent):
    assert visitor.boot().status_code == 200
    edit(agent, allowed_origins=["https://other.example"])
    assert visitor.boot().status_code == 403


def test_a_door_that_was_opened_is_open_at_once(visitor, agent):
    agent.widget_mode = WidgetMode.SERVER_ONLY
    agent.save(update_fields=["widget_mode"])
    assert visitor.boot().status_code == 403
    edit(agent, widget_mode=WidgetMode.PUBLIC)
    assert visitor.boot().status_code == 200


def test_even_what_is_stale_lets_no_question_through(visitor, agent):
    """A process that dies right after its commit leaves what it had to forget."""
    visitor.enter()
    visitor.boot()
    Agent.objects.filter(pk=agent.pk).update(is_active=False)
    assert visitor.boot().status_code == 200
    assert visitor.say("How long does it take?").status_code == 404


def test_without_redis_the_database_answers(client, agent, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert frame_of(client, agent).status_code == 200
    switch_off(agent)
    assert frame_of(client, agent).status_code == 404
