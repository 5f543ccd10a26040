import json
from datetime import timedelta

import pytest
from django.utils import timezone

from widget import tokens
from widget.errors import SessionExpired
from widget.tests.factories import WidgetSessionFactory


@pytest.fixture
def session(db):
    return WidgetSessionFactory()


def said_in(token: str) -> dict:
    return json.loads(tokens._decode(token.split(".")[2]))


def test_a_token_says_who_visits_whom_and_from_where(session):
    claims = tokens.read(tokens.issue(session).token)
    assert claims.sid == session.pk
    assert claims.agent == str(session.agent.public_id)
    assert claims.origin == session.origin
    assert claims.exp - claims.iat == 600


def test_a_token_carries_no_number_of_ours(session):
    said = said_in(tokens.issue(session).token)
    numbers = {value for value in said.values() if type(value) is int}
    assert numbers == {said["iat"], said["exp"], said["epoch"]}


def test_a_token_never_outlives_its_session(session):
    session.expires_at = timezone.now() + timedelta(seconds=30)
    assert tokens.issue(session).expires_in <= 30


def test_an_old_token_is_expired(session, monkeypatch):
    token = tokens.issue(session).token
    later = tokens.time.time() + 601
    monkeypatch.setattr(tokens.time, "time", lambda: later)
    with pytest.raises(SessionExpired):
        tokens.read(token)


@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_a_token_changed_anywhere_is_worthless(session, part):
    parts = tokens.issue(session).token.split(".")
    last = parts[part][-2]
    parts[part] = parts[part][:-2] + ("A" if last != "A" else "B") + parts[part][-1]
    with pytest.raises(SessionExpired):
        tokens.read(".".join(parts))


@pytest.mark.parametrize(
    "text", ["", ".", "a.b.c.d", "a.b.c.d.e", "é.b.c.d", "x" * 3000]
)
def test_what_is_no_token_is_refused(db, text):
    with pytest.raises(SessionExpired):
        tokens.read(text)


def test_claims_that_name_an_algorithm_change_nothing(session):
    parts = tokens.issue(session).token.split(".")
    body = tokens._encode(
        json.dumps({"alg": "none", **said_in(".".join(parts))}).encode()
    )
    with pytest.raises(SessionExpired):
        tokens.read(f"{parts[0]}.{parts[1]}.{body}.")


def test_a_token_outlives_a_change_of_the_secret_key(session, settings):
    token = tokens.issue(session).token
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret key " * 5
    assert tokens.read(token).sid == session.pk
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(SessionExpired):
        tokens.read(token)
