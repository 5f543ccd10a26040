"""What waits for Harbor Coffee's team: the inbox on the first morning."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models.organizations import Organization
from accounts.models.users import User
from agents.conversations.opening import start_session
from agents.conversations.ratings import rate
from agents.inbox.canned_replies import create_canned_reply
from agents.inbox.handover import answer, request_person, take
from agents.inbox.notes import add_note
from agents.models.agents import Agent
from agents.models.inbox import InboxEntry
from agents.models.sessions import Channel, Message, MessageRole, Session
from agents.replies.production import produce
from agents.replies.questions import ask

JONAS, PRIYA = "jonas@harborcoffee.example", "priya@harborcoffee.example"
SITE = "https://harborcoffee.example"

CANNED = {
    "hello": "Hello {{visitor}}, a person from {{agent}} here. How can I help?",
    "lost-parcel": (
        "I am sorry that your parcel has not arrived. We send a replacement after a "
        "check with the carrier, which takes up to a day."
    ),
    "thanks": "Thank you for your patience. Write again whenever you like.",
}


@dataclass(frozen=True)
class Case:
    """A conversation the team has to do with."""

    agent: str
    minutes_ago: int
    questions: tuple[str, ...]
    # What is said once a person is asked for.
    after: tuple[str, ...] = ()
    taken_by: str = ""
    said: str = ""
    note: str = ""
    is_disliked: bool = False
    asks: bool = False


CASES = (
    Case(
        "Shop support",
        26,
        ("When is a parcel counted as lost?",),
        after=(
            "Mine is marked as delivered, but nobody was home.",
            "I need it for a birthday tomorrow.",
        ),
        note="The carrier names a neighbour on the ground floor.",
        asks=True,
    ),
    Case(
        "Wholesale desk",
        11,
        ("What discount do hotels get?", "Can I talk to someone about it?"),
        after=("We are a hotel and need 40 kg every second week.",),
    ),
    Case(
        "Machine doctor",
        48,
        ("The lamp blinks red three times. Why?",),
        after=("I did all that and it still blinks.",),
        taken_by=JONAS,
        said="Hello, Jonas here. Which serial number is under the drip tray?",
        asks=True,
    ),
    Case(
        "Shop support",
        95,
        ("Until when can I change the address of my order?",),
        is_disliked=True,
    ),
    Case("Subscription helper", 130, ("Can I pay my subscription with seashells?",)),
)


@transaction.atomic
def fill_inbox(
    organization: Organization, agents: list[Agent], people: dict[str, User]
) -> None:
    """Put conversations into every queue, and keep some texts to answer with."""
    for shortcut, text in CANNED.items():
        create_canned_reply(
            organization=organization,
            actor=people[PRIYA],
            shortcut=shortcut,
            text=text,
        )
    for index, case in enumerate(CASES):
        _lead(index, case, agents, people)


def _lead(index: int, case: Case, agents: list[Agent], people: dict[str, User]) -> None:
    agent = next(agent for agent in agents if agent.name == case.agent)
    session, _ = start_session(
        agent=Agent.objects.get(pk=agent.pk),
        channel=Channel.WIDGET,
        visitor_id=f"v_waits{index:02}",
        metadata={"origin": SITE},
    )
    for question in case.questions:
        _, reply, _ = ask(session=session, content=question)
        if reply is not None:
            produce(reply.pk)
    if case.asks:
        request_person(session=session)
    for words in case.after:
        ask(session=session, content=words)
    if case.taken_by:
        member = people[case.taken_by]
        take(session=session, actor=member)
        answer(session=session, actor=member, content=case.said)
    if case.note:
        add_note(session=session, author=people[PRIYA], text=case.note)
    if case.is_disliked:
        _dislike(session)
    _set_time(session, case)


def _dislike(session: Session) -> None:
    said = session.message_rows.filter(role=MessageRole.ASSISTANT).last()
    comment = "That is not what the policy page says."
    rate(session=session, message_id=said.pk, value="down", comment=comment)


def _set_time(session: Session, case: Case) -> None:
    """Date a conversation back by its age, half a minute between two messages."""
    moment = timezone.now() - timedelta(minutes=case.minutes_ago)
    for message in session.message_rows.order_by("sequence"):
        Message.objects.filter(pk=message.pk).update(created_at=moment)
        moment += timedelta(seconds=30)
    Session.objects.filter(pk=session.pk).update(
        created_at=timezone.now() - timedelta(minutes=case.minutes_ago),
        last_activity_at=moment,
    )
    session.notes.update(created_at=moment)
    # Nobody is there who could be told that nobody came.
    InboxEntry.objects.filter(session=session, requested_at__isnull=False).update(
        requested_at=moment, deadline_at=None
    )
