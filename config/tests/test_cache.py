"""The cache goes on without Redis, and so does signing in."""

import pytest
from django.core.cache import caches
from django.urls import reverse

from accounts.tests.factories import PASSWORD, UserFactory
from config.tests.serving import free_port


@pytest.fixture
def no_redis(settings):
    away = {"LOCATION": f"redis://127.0.0.1:{free_port()}/0"}
    settings.CACHES = {"default": settings.CACHES["default"] | away}


def test_a_value_is_kept_though_redis_is_away(no_redis):
    cache = caches["default"]
    cache.set("key", 1)
    assert cache.incr("key") == 2
    assert cache.get_many(["key"]) == {"key": 2}
    assert cache.add("key", 3) is False
    assert cache.delete("key")
    assert cache.get("key", "gone") == "gone"


def test_a_value_is_shared_while_redis_answers():
    cache = caches["default"]
    cache.set("shared", "yes", 60)
    assert cache._own.get("shared") is None
    assert cache.get("shared") == "yes"


@pytest.mark.django_db
def test_one_can_sign_in_though_redis_is_away(client, no_redis):
    user = UserFactory()
    user.set_password(PASSWORD)
    user.save()
    response = client.post(
        reverse("account_login"), {"login": user.email, "password": PASSWORD}
    )
    assert response.status_code == 302
    assert client.session["_auth_user_id"] == str(user.pk)


@pytest.mark.django_db
def test_agents_are_made_and_read_though_redis_is_away(api, no_redis):
    made = api.post("/api/v1/agents/", {"name": "One"}, format="json")
    assert made.status_code == 201
    assert api.get("/api/v1/agents/").json()["count"] == 1
