"""A person in the agent's stead: asked for, there, gone again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.errors import Invalid, KeyReused
from accounts.models import AuditLog, Role
from accounts.tests.factories import MembershipFactory
from agents import privacy
from agents.inbox import closing, handover, listing, queue_timeouts
from agents.models import Holder, InboxEntry, Message, SessionIsOver
from agents.replies import production, questions, sweep
from agents.tests.factories import AgentFactory, SessionFactory
from agents.tests.speaking import Scripted

pytestmark = pytest.mark.django_db
WISH = "Can I talk to a person, please?"


@pytest.fixture
def session(harbor):
    return SessionFactory(agent_ref=AgentFactory(organization=harbor, name="Desk"))


@pytest.fixture
def taken(session, ada):
    """A conversation Ada has taken over."""
    handover.take(session=session, actor=ada.user)
    return session


def entry_of(session) -> InboxEntry:
    return InboxEntry.objects.get(session=session)


def said(session) -> list[tuple[str, str]]:
    rows = Message.objects.filter(session=session).order_by("sequence")
    return list(rows.values_list("role", "content"))


def is_late(session) -> None:
    InboxEntry.objects.filter(session=session).update(deadline_at=timezone.now())


def test_a_plain_sentence_asks_for_a_person(session):
    _, reply, created = questions.ask(session=session, content=WISH)
    assert (reply, created) == (None, True)
    assert entry_of(session).holder == Holder.WAITING
    assert [role for role, _ in said(session)] == ["user", "system", "assistant"]
    assert "asked a colleague" in said(session)[-1][1]


def test_a_wish_is_answered_in_its_own_language(session):
    questions.ask(session=session, content="Kann ich mit einem Menschen sprechen?")
    assert "jemanden aus dem Team" in said(session)[-1][1]


def test_an_agent_that_hands_nothing_over_answers_the_wish_itself(harbor):
    agent = AgentFactory(organization=harbor, config={"handover": "off"})
    session = SessionFactory(agent_ref=agent)
    _, reply, _ = questions.ask(session=session, content=WISH)
    assert reply is not None
    with pytest.raises(handover.HandoverIsOff):
        handover.request_person(session=session)


def test_asked_twice_it_waits_as_before(session):
    first = handover.request_person(session=session)
    second = handover.request_person(session=session)
    assert second.requested_at == first.requested_at
    assert len(said(session)) == 2


def test_while_somebody_waits_the_agent_is_silent_and_the_message_unread(session, ada):
    entry = handover.request_person(session=session)
    listing.see(listing.find_conversation(ada.organization, session.pk), ada.user)
    _, reply, _ = questions.ask(session=session, content="My order is 20418.")
    assert reply is None
    entry.refresh_from_db()
    assert entry.is_unread


def test_a_member_answers_with_name_and_title(taken, ada):
    message, created = handover.answer(
        session=taken, actor=ada.user, content="Hello, Ada here."
    )
    assert created
    assert (message.role, message.author) == ("assistant", ada.user)
    assert message.metadata["person"] == {"name": "Ada Owner", "title": ""}


def test_a_member_without_a_name_is_shown_as_the_organization(session, ada):
    ada.user.name = ""
    ada.user.save()
    entry = handover.take(session=session, actor=ada.user)
    assert entry.person["name"] == "Harbor Coffee"


def test_the_same_key_answers_once(taken, ada):
    said = {"session": taken, "actor": ada.user, "idempotency_key": "one"}
    first, _ = handover.answer(content="Hello", **said)
    again, created = handover.answer(content="Hello", **said)
    assert (again, created) == (first, False)
    with pytest.raises(KeyReused):
        handover.answer(content="Goodbye", **said)


def test_only_who_has_it_answers(taken, harbor):
    colleague = MembershipFactory(organization=harbor, role=Role.EDITOR)
    with pytest.raises(handover.NotYours):
        handover.answer(session=taken, actor=colleague.user, content="Hello")
    with pytest.raises(handover.AlreadyTaken) as refusal:
        handover.take(session=taken, actor=colleague.user)
    assert "Ada Owner" in refusal.value.detail


def test_taken_again_by_the_same_member_nothing_changes(taken, ada):
    handover.take(session=taken, actor=ada.user)
    assert [role for role, _ in said(taken)] == ["system"]


def test_handed_back_the_agent_answers_again(taken, ada):
    handover.hand_back(session=taken, actor=ada.user)
    _, reply, _ = questions.ask(session=taken, content="Thanks")
    assert reply is not None
    entry = entry_of(taken)
    assert (entry.holder, entry.assignee, entry.person) == (Holder.AGENT, None, {})


def test_every_change_of_hands_is_one_row_of_the_log(session, ada):
    handover.take(session=session, actor=ada.user)
    handover.hand_back(session=session, actor=ada.user)
    rows = AuditLog.objects.filter(resource_type="session", resource_id=session.pk)
    holders = [row.detail.changes["holder"]["new"] for row in rows.order_by("pk")]
    assert holders == ["person", "agent"]


def test_an_answer_under_way_is_not_stored_once_a_person_is_there(
    session, ada, monkeypatch
):
    def person_comes():
        handover.take(session=session, actor=ada.user)

    provider = Scripted("It takes ", person_comes, "three days.")
    monkeypatch.setattr(production, "provider_for", lambda *a, **k: provider)
    _, reply, _ = questions.ask(session=session, content="How long?")
    reply = production.produce(reply.pk)
    assert (reply.status, reply.failure_code) == ("failed", "handed_over")
    assert [role for role, _ in said(session)] == ["user", "system"]
    assert entry_of(session).unanswered_at is None


def test_who_waits_too_long_is_told_and_may_ask_the_agent_again(session):
    handover.request_person(session=session, language="french")
    is_late(session)
    assert queue_timeouts.apologize_overdue() == 1
    assert queue_timeouts.apologize_overdue() == 0
    assert "Laissez votre adresse" in said(session)[-1][1]
    assert entry_of(session).is_late
    _, reply, _ = questions.ask(session=session, content="How long?")
    assert reply is not None


def test_the_sweep_tells_them(session):
    handover.request_person(session=session)
    is_late(session)
    sweep.resend()
    assert entry_of(session).apologized_at is not None


def test_an_agent_says_how_long_it_waits(harbor):
    agent = AgentFactory(organization=harbor, config={"handover_wait_minutes": 2})
    entry = handover.request_person(session=SessionFactory(agent_ref=agent))
    assert entry.deadline_at - entry.requested_at == timedelta(minutes=2)


def test_an_address_is_kept_for_later(session):
    handover.request_person(session=session)
    entry = handover.leave_email(session=session, email=" lena@example.com ")
    assert entry.contact_email == "lena@example.com"


@pytest.mark.parametrize("email", ["", "lena", "a@b", "x@example.com\nBcc: y@z.com"])
def test_what_is_no_address_is_refused(session, email):
    handover.request_person(session=session)
    with pytest.raises(Invalid) as refusal:
        handover.leave_email(session=session, email=email)
    assert refusal.value.pointer == "/email"


def test_nobody_asked_for_a_person_there_is_no_address_to_leave(session):
    with pytest.raises(handover.HandoverIsOff):
        handover.leave_email(session=session, email="lena@example.com")


def test_who_left_an_address_stays_in_the_queue_when_the_chat_is_over(session, ada):
    handover.request_person(session=session)
    handover.leave_email(session=session, email="lena@example.com")
    closing.end_session(session=session, status="completed", actor=None)
    assert entry_of(session).holder == Holder.WAITING
    current = listing.find_conversation(ada.organization, session.pk)
    listing.close(session=current, actor=ada.user)
    assert entry_of(session).holder == Holder.AGENT


def test_closed_by_its_member_a_conversation_ends(taken, ada):
    current = listing.find_conversation(ada.organization, taken.pk)
    listing.close(session=current, actor=ada.user)
    with pytest.raises(SessionIsOver):
        questions.ask(session=taken, content="One more thing")
    assert entry_of(taken).assignee is None


def test_a_conversation_goes_on_when_only_its_gap_is_settled(session, ada):
    current = listing.find_conversation(ada.organization, session.pk)
    listing.close(session=current, actor=ada.user)
    session.refresh_from_db()
    assert session.is_active


def test_given_to_a_colleague_it_is_theirs_to_answer(taken, ada, harbor):
    colleague = MembershipFactory(
        organization=harbor, role=Role.EDITOR, user__name="Jonas"
    )
    handover.assign(session=taken, actor=ada.user, assignee=colleague.user)
    handover.answer(session=taken, actor=colleague.user, content="Jonas here.")
    assert entry_of(taken).person["name"] == "Jonas"


def test_it_is_assigned_to_nobody_who_may_not_answer(session, ada, bo, cy):
    for nobody in (bo, cy):
        with pytest.raises(Invalid):
            handover.assign(session=session, actor=ada.user, assignee=nobody.user)


def test_what_somebody_held_who_left_waits_for_others(taken, ada):
    ada.delete()
    assert queue_timeouts.release_deserted() == 1
    assert queue_timeouts.release_deserted() == 0
    entry = entry_of(taken)
    assert (entry.holder, entry.assignee) == (Holder.WAITING, None)


def test_an_answer_that_does_not_know_is_found_again(session, monkeypatch):
    provider = Scripted("I don’t know.")
    monkeypatch.setattr(production, "provider_for", lambda *a, **k: provider)
    _, reply, _ = questions.ask(session=session, content="Who won?")
    production.produce(reply.pk)
    assert entry_of(session).unanswered_at is not None
    assert not Message.objects.get(role="assistant").metadata


def test_an_agent_that_offers_a_person_does_so_where_it_does_not_know(
    harbor, monkeypatch
):
    agent = AgentFactory(organization=harbor, config={"handover": "offer"})
    session = SessionFactory(agent_ref=agent)
    for text in ("I don’t know.", "It takes three days."):
        provider = Scripted(text)
        monkeypatch.setattr(production, "provider_for", lambda *a, it=provider, **k: it)
        production.produce(questions.ask(session=session, content="Well?")[1].pk)
    answers = Message.objects.filter(role="assistant").order_by("sequence")
    offers = [answer.metadata.get("offers_person", False) for answer in answers]
    assert offers == [True, False]


def test_the_answers_of_a_member_who_is_erased_stay_without_a_name(taken, ada):
    handover.answer(session=taken, actor=ada.user, content="Hello.")
    privacy.forget_person(ada.user)
    told = [message.as_dict() for message in Message.objects.all()]
    assert "Hello." in str(told)
    assert "Ada Owner" not in str(told) + str(entry_of(taken).person)
