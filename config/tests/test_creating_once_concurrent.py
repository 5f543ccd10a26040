"""One key under many hands creates one row, by every way a key is kept."""

import pytest

from accounts.models import APIKey, IdempotencyKey
from accounts.tests.factories import MembershipFactory, make_key
from agents.models.inbox import Note
from agents.tests.factories import AgentFactory, SessionFactory
from agents.tests.lifecycle.test_creation_concurrent import at_once, post

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]
HANDS = 16


@pytest.fixture
def owner():
    return MembershipFactory()


def answers_to(key, path, body):
    """Send the same from many hands; return each one's status, and the ids."""

    def ask(_):
        answer = post(key, path, body | {"idempotency_key": "k"})
        return answer.status_code, answer.json()["id"]

    answers = at_once(HANDS, ask)
    return sorted(status for status, _ in answers), {id_ for _, id_ in answers}


def test_a_row_without_a_column_for_its_key_is_created_once(owner):
    session = SessionFactory(agent_ref=AgentFactory(organization=owner.organization))
    statuses, ids = answers_to(
        make_key(owner), f"/api/v1/inbox/{session.pk}/notes/", {"text": "Call back."}
    )
    assert statuses == [200] * (HANDS - 1) + [201]
    assert {str(note.pk) for note in Note.objects.all()} == ids
    assert IdempotencyKey.objects.count() == 1


def test_an_api_key_is_rotated_once(owner):
    raw = make_key(owner)
    (key,) = APIKey.objects.all()
    statuses, ids = answers_to(raw, f"/api/v1/api-keys/{key.pk}/rotate/", {})
    assert statuses == [200] * (HANDS - 1) + [201]
    successors = APIKey.objects.exclude(pk=key.pk)
    assert {str(each.pk) for each in successors} == ids
