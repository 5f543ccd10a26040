"""Tags: names the organization shares, borne by conversations."""

import pytest

from accounts.errors import Invalid
from accounts.models import AuditLog
from agents.conversations.tags import (
    MOST_OF_ONE,
    TooManyTags,
    add_tag,
    delete_tag,
    remove_tag,
)
from agents.models import Tag
from agents.tests.factories import SessionFactory, TagFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(harbor):
    return SessionFactory(agent_ref__organization=harbor)


def names(session):
    return [tag.name for tag in session.tags.all()]


def test_a_name_is_shared_whatever_its_letters_case(session, harbor):
    other = SessionFactory(agent_ref__organization=harbor)
    first, _ = add_tag(session=session, name=" Lost  parcel ", actor=None)
    second, _ = add_tag(session=other, name="lost PARCEL", actor=None)
    assert first == second
    assert names(other) == ["Lost parcel"]


def test_a_tag_is_borne_once(session, ada):
    assert add_tag(session=session, name="Refund", actor=ada.user)[1]
    audited = AuditLog.objects.count()
    assert not add_tag(session=session, name="refund", actor=ada.user)[1]
    assert AuditLog.objects.count() == audited
    assert names(session) == ["Refund"]


def test_another_organization_has_tags_of_its_own(session):
    TagFactory(name="Refund")
    add_tag(session=session, name="Refund", actor=None)
    assert Tag.objects.named("refund").count() == 2


def test_a_tag_is_removed_once(session):
    tag, _ = add_tag(session=session, name="Refund", actor=None)
    assert remove_tag(session=session, tag_id=tag.pk, actor=None)
    assert not remove_tag(session=session, tag_id=tag.pk, actor=None)
    assert names(session) == []
    assert Tag.objects.get() == tag


def test_a_name_is_given_up_everywhere_and_conversations_stay(session, harbor, ada):
    tag, _ = add_tag(session=session, name="Refund", actor=None)
    assert delete_tag(organization=harbor, tag_id=tag.pk, actor=ada.user)
    assert names(session) == []
    assert not delete_tag(organization=harbor, tag_id=tag.pk, actor=ada.user)


def test_another_organizations_name_is_not_given_up(harbor, ada):
    tag = TagFactory()
    assert not delete_tag(organization=harbor, tag_id=tag.pk, actor=ada.user)
    assert Tag.objects.get() == tag


@pytest.mark.parametrize("name", ["", "  ", "x" * 51])
def test_what_is_no_name_is_refused(session, name):
    with pytest.raises(Invalid):
        add_tag(session=session, name=name, actor=None)


def test_a_conversation_bears_only_so_many_tags(session):
    for number in range(MOST_OF_ONE):
        add_tag(session=session, name=f"tag {number}", actor=None)
    with pytest.raises(TooManyTags):
        add_tag(session=session, name="one more", actor=None)
    assert add_tag(session=session, name="TAG 0", actor=None)[1] is False
