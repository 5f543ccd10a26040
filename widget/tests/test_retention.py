"""A visitor's session goes with the conversation it led."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents.conversations.retention import apply_all, set_retention
from agents.models import Session
from widget.models import RefreshToken, WidgetSession

pytestmark = pytest.mark.django_db


def test_a_deleted_conversation_takes_its_visitors_session_along(inside, agent):
    inside.say("Hello")
    Session.objects.update(last_activity_at=timezone.now() - timedelta(days=2))
    set_retention(organization=agent.organization, days=1, actor=None)
    assert apply_all() == 1
    assert not WidgetSession.objects.exists()
    assert not RefreshToken.objects.exists()
    assert inside.send("GET", "messages").status_code == 401
