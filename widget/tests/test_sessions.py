from datetime import timedelta

import pytest
from django.utils import timezone

from agents.conversations import event_stream
from widget import cookies, sessions, tokens
from widget.models import RefreshToken, WidgetSession
from widget.tests.conftest import Visitor
from widget.tests.factories import SpeakingAgentFactory, WidgetSessionFactory


def cookie_of(answer, agent):
    return answer.cookies.get(cookies.name(agent))


def session_of(visitor) -> WidgetSession:
    return WidgetSession.objects.get(pk=tokens.read(visitor.token).sid)


@pytest.fixture
def remembered(inside):
    """A visitor who has asked once, so that the browser holds a cookie."""
    assert inside.say("How long to Graz?").status_code == 202
    return inside


def grow_old(**fields):
    """Let what the database knows of refresh tokens lie an hour back."""
    hour_ago = timezone.now() - timedelta(hours=1)
    RefreshToken.objects.filter(**fields).update(used_at=hour_ago)


def test_entering_opens_a_session_without_a_conversation(visitor, agent):
    answer = visitor.enter()
    assert answer.json()["expires_in"] == 600
    assert answer.json()["resumed"] is False
    assert answer.json()["config"]["name"] == "Shipping desk"
    assert session_of(visitor).agent == agent
    assert session_of(visitor).session is None


def test_no_cookie_is_set_before_the_first_question(visitor):
    assert not visitor.enter().cookies


def test_the_first_question_brings_a_cookie_for_our_frame_only(inside, agent):
    cookie = cookie_of(inside.say("How long to Graz?"), agent)
    flags = cookie.OutputString()
    assert cookie.key.startswith("__Host-")
    for flag in ("HttpOnly", "Secure", "Path=/", "SameSite=None; Partitioned"):
        assert flag in flags
    assert "Domain" not in flags


def test_the_second_question_brings_none(remembered):
    assert not remembered.say("And to Linz?").cookies


def test_a_refresh_token_is_kept_only_as_its_hash(remembered, agent):
    raw = remembered.client.cookies[cookies.name(agent)].value
    assert RefreshToken.objects.get().digest != raw
    assert len(RefreshToken.objects.get().digest) == 64


def test_coming_back_goes_on_with_the_conversation(remembered):
    before = session_of(remembered)
    remembered.token = ""
    answer = remembered.enter()
    assert answer.json()["resumed"] is True
    assert session_of(remembered) == before


def test_a_cookie_is_no_use_on_another_site(remembered, agent):
    before = session_of(remembered)
    agent.allowed_origins = [*agent.allowed_origins, "https://other.example"]
    agent.save(update_fields=["allowed_origins"])
    remembered.origin = "https://other.example"
    assert remembered.enter().json()["resumed"] is False
    assert session_of(remembered) != before


def test_renewing_spends_the_refresh_token(remembered, agent):
    remembered.token = ""
    answer = remembered.refresh()
    assert answer.status_code == 200
    assert tokens.read(answer.json()["token"])
    assert cookie_of(answer, agent).value
    assert RefreshToken.objects.filter(used_at=None).count() == 1


def test_two_tabs_may_renew_at_once(remembered, agent):
    spent = remembered.client.cookies[cookies.name(agent)].value
    remembered.refresh()
    remembered.client.cookies[cookies.name(agent)] = spent
    assert remembered.refresh().status_code == 200


def test_a_refresh_token_spent_twice_closes_the_session(remembered, agent):
    spent = remembered.client.cookies[cookies.name(agent)].value
    remembered.refresh()
    grow_old(used_at__isnull=False)
    remembered.client.cookies[cookies.name(agent)] = spent
    answer = remembered.refresh()
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_reused")
    refused = remembered.send("GET", "messages")
    assert (refused.status_code, refused.json()["code"]) == (401, "session_revoked")


def test_renewing_needs_a_request_of_our_own_frame(remembered):
    answer = remembered.refresh(**{"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_request")


def test_without_a_cookie_a_token_that_is_still_good_renews_itself(inside):
    answer = inside.refresh()
    assert answer.status_code == 200
    assert tokens.read(answer.json()["token"]).sid == session_of(inside).pk
    assert not answer.cookies


def test_without_cookie_and_token_nothing_is_renewed(inside):
    inside.token = ""
    answer = inside.refresh()
    assert (answer.status_code, answer.json()["code"]) == (401, "session_expired")


def test_an_expired_token_is_refused(inside, monkeypatch):
    later = tokens.time.time() + 601
    monkeypatch.setattr(tokens.time, "time", lambda: later)
    answer = inside.send("GET", "messages")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_expired")


def test_no_renewal_outlives_the_session(inside):
    mine = session_of(inside)
    mine.expires_at = timezone.now() - timedelta(seconds=1)
    mine.save(update_fields=["expires_at"])
    assert inside.refresh().json()["code"] == "session_expired"


def test_a_token_is_refused_for_another_agent(inside, harbor):
    other = SpeakingAgentFactory(organization=harbor)
    body = {"content": "Hello", "public_id": str(other.public_id)}
    answer = inside.send("POST", "messages", body)
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_agent")


@pytest.mark.parametrize("name", ["messages", "stream"])
def test_a_stranger_is_refused(agent, name):
    answer = Visitor(agent).send("GET", name)
    assert (answer.status_code, answer.json()["code"]) == (401, "session_expired")
    assert answer["WWW-Authenticate"] == 'Bearer realm="widget"'


def test_an_api_key_is_no_session_token(agent, api):
    answer = api.get("/api/widget/v1/messages")
    assert answer.status_code == 401


def test_switching_the_agent_off_stops_its_sessions(inside, agent):
    agent.is_active = False
    agent.save(update_fields=["is_active"])
    answer = inside.send("GET", "messages")
    assert (answer.status_code, answer.json()["code"]) == (404, "agent_not_found")


def test_taking_a_site_off_the_list_stops_its_sessions(inside, agent):
    agent.allowed_origins = []
    agent.save(update_fields=["allowed_origins"])
    answer = inside.send("GET", "messages")
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")


def test_leaving_ends_session_conversation_and_cookie(remembered, agent):
    conversation = session_of(remembered).session
    answer = remembered.send("DELETE", "sessions")
    assert answer.status_code == 204
    assert cookie_of(answer, agent).value == ""
    conversation.refresh_from_db()
    assert conversation.status == "completed"
    refused = remembered.send("GET", "messages")
    assert (refused.status_code, refused.json()["code"]) == (401, "session_revoked")


def test_revoking_a_session_ends_its_open_streams(
    remembered, django_capture_on_commit_callbacks
):
    mine = session_of(remembered)
    with django_capture_on_commit_callbacks(execute=True):
        sessions.revoke(mine)
    key = event_stream.key(mine.session_id)
    _, fields = event_stream._writer().xrevrange(key, count=1)[0]
    event_stream._writer().delete(key)
    assert fields[b"event"] == b"closed"


def test_after_leaving_the_cookie_resumes_nothing(remembered):
    kept = dict(remembered.client.cookies)
    remembered.send("DELETE", "sessions")
    remembered.client.cookies.update(kept)
    remembered.token = ""
    assert remembered.enter().json()["resumed"] is False


def test_a_visit_is_noted_at_most_once_a_minute(db, django_assert_num_queries):
    session = WidgetSessionFactory()
    with django_assert_num_queries(0):
        session.note_visit()
    session.last_seen_at -= timedelta(minutes=2)
    with django_assert_num_queries(1):
        session.note_visit()


def test_sessions_long_over_are_forgotten_and_their_conversations_kept(remembered):
    conversation = session_of(remembered).session
    old = timezone.now() - timedelta(days=8)
    WidgetSession.objects.update(expires_at=old)
    current = WidgetSessionFactory()
    assert sessions.forget_outdated() == 1
    assert list(WidgetSession.objects.all()) == [current]
    conversation.refresh_from_db()
    assert conversation.total_messages == 1
