"""Mails about the inbox: to whom, how often, and about what is still news."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Role
from accounts.tests.factories import MembershipFactory
from agents.inbox import handover, listing, notifications
from agents.models import InboxEntry, InboxNotice, InboxPreference
from agents.replies import questions, sweep
from agents.tests.factories import AgentFactory, SessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(harbor):
    agent = AgentFactory(organization=harbor, name="Shipping desk")
    session = SessionFactory(agent_ref=agent)
    session.add_message("user", "Where is order 20418?")
    return session


def wants(membership, notify):
    InboxPreference.objects.update_or_create(
        membership=membership, defaults={"notify": notify}
    )


def due():
    """Let the moment pass in which somebody may read it anyway; send what is due."""
    InboxNotice.objects.filter(status="pending").update(run_after=timezone.now())
    return [notifications.mail(notice.pk) for notice in InboxNotice.objects.all()]


def test_only_who_chose_it_is_mailed(session, ada, harbor):
    jonas = MembershipFactory(organization=harbor, role=Role.EDITOR)
    wants(ada, "all")
    wants(jonas, "mine")
    handover.request_person(session=session)
    due()
    (message,) = mail.outbox
    assert message.to == [ada.user.email]
    assert message.subject == "Somebody waits for a person: Shipping desk"
    assert "Where is order 20418?" in message.body
    assert f"/inbox/{session.pk}/" in message.body


def test_a_viewer_is_not_mailed_whatever_they_chose(session, bo):
    wants(bo, "all")
    handover.request_person(session=session)
    assert not InboxNotice.objects.exists()


def test_one_mail_in_the_quiet_time_and_another_after_it(session, ada):
    wants(ada, "mine")
    handover.take(session=session, actor=ada.user)
    for _ in range(3):
        questions.ask(session=session, content="Hello?")
    assert InboxNotice.objects.count() == 1
    due()
    earlier = timezone.now() - notifications.QUIET - timedelta(minutes=1)
    InboxNotice.objects.update(created_at=earlier)
    questions.ask(session=session, content="Still there?")
    due()
    assert len(mail.outbox) == 2


def test_what_was_read_meanwhile_is_no_news(session, ada):
    wants(ada, "all")
    handover.request_person(session=session)
    listing.see(listing.find_conversation(ada.organization, session.pk), ada.user)
    assert due() == [False]
    assert mail.outbox == []


def test_a_colleague_to_whom_it_is_given_is_mailed(session, ada, harbor):
    jonas = MembershipFactory(organization=harbor, role=Role.EDITOR)
    wants(jonas, "mine")
    handover.assign(session=session, actor=ada.user, assignee=jonas.user)
    due()
    assert mail.outbox[0].to == [jonas.user.email]


def test_who_left_meanwhile_is_not_mailed(session, ada):
    wants(ada, "all")
    handover.request_person(session=session)
    ada.user.deactivate()
    assert due() == [False]


def test_a_mail_goes_out_once_however_often_its_task_runs(session, ada):
    wants(ada, "all")
    handover.request_person(session=session)
    due()
    due()
    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_away_is_asked_again(session, ada, settings):
    wants(ada, "all")
    handover.request_person(session=session)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    due()
    notice = InboxNotice.objects.get()
    assert (notice.status, notice.attempt) == ("pending", 1)
    assert notice.run_after > timezone.now()


def test_the_sweep_sends_what_is_due(session, ada):
    wants(ada, "all")
    handover.request_person(session=session)
    before = sweep.resend()
    InboxNotice.objects.update(run_after=timezone.now())
    assert sweep.resend() == before + 1
    assert InboxEntry.objects.count() == 1
