"""What lists of conversations show, and how they are narrowed down."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce, Left, Lower
from django.utils import timezone

from accounts.models.lifecycle import WorkStatus
from accounts.models.organizations import Organization
from accounts.models.users import User
from agents.conversations.search import saying
from agents.models.agents import Agent
from agents.models.feedback import Rating, RatingValue, Tag
from agents.models.sessions import Message, MessageRole, Session

LONGEST_LINE = 300


def tagged(sessions: QuerySet[Session], name: str) -> QuerySet[Session]:
    """Keep the conversations filed under a name, whatever its letters' case."""
    borne = Tag.objects.named(name).filter(sessions=OuterRef("pk"))
    return sessions.filter(Exists(borne))


def rated(sessions: QuerySet[Session], value: str) -> QuerySet[Session]:
    """Keep the conversations of which somebody rated an answer so."""
    given = Rating.objects.filter(session=OuterRef("pk"), value=value)
    return sessions.filter(Exists(given))


def with_feedback(sessions: QuerySet[Session]) -> QuerySet[Session]:
    """Each with the names of its tags, and how often it was rated up and down."""
    names = Tag.objects.filter(sessions=OuterRef("pk")).order_by(Lower("name"))
    return sessions.annotate(
        tag_names=ArraySubquery(names.values("name")),
        ratings_up=_ratings(RatingValue.UP),
        ratings_down=_ratings(RatingValue.DOWN),
    )


def _ratings(value: str) -> Coalesce:
    counted = (
        Rating.objects.filter(session=OuterRef("pk"), value=value)
        .order_by()
        .values("session")
        .annotate(number=Count("pk"))
        .values("number")
    )
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


def as_rows(sessions: QuerySet[Session]) -> QuerySet[Session]:
    """Everything one row of a page's list shows, the latest conversation first."""
    first = (
        Message.objects.filter(session=OuterRef("pk"), role=MessageRole.USER)
        .order_by("sequence")
        .annotate(line=Left(F("content"), LONGEST_LINE))
    )
    return (
        with_feedback(sessions)
        .annotate(first_question=Subquery(first.values("line")[:1]))
        .select_related("user", "agent_ref")
        .latest_first()
    )


def latest_of(agent: Agent) -> QuerySet[Session]:
    """List an agent's conversations as its page shows them."""
    return as_rows(Session.objects.filter(agent_ref=agent))


def find(
    organization: Organization, *, agent: Agent | None = None, **asked: Any
) -> QuerySet[Session]:
    """Find conversations by what a page's form asks; what is empty asks nothing."""
    sessions = Session.objects.for_organization(organization)
    # Of a deleted agent there is no page to read them on.
    which = {"agent_ref__deleted_at": None} if agent is None else {"agent_ref": agent}
    sessions = sessions.filter(agent_ref__isnull=False, **which)
    for name in ("status", "channel"):
        if value := asked.get(name):
            sessions = sessions.filter(**{name: value})
    if asked.get("agent_name"):
        sessions = sessions.filter(agent_ref__name__icontains=asked["agent_name"])
    if asked.get("tag"):
        sessions = tagged(sessions, asked["tag"])
    if asked.get("rating"):
        sessions = rated(sessions, asked["rating"])
    if begin := asked.get("since"):
        sessions = sessions.filter(created_at__gte=midnight(begin))
    if last := asked.get("until"):
        sessions = sessions.filter(created_at__lt=midnight(last) + timedelta(days=1))
    if asked.get("search"):
        sessions = saying(sessions, asked["search"])
    return sessions


@dataclass
class Turn:
    """One message as its page shows it: with its ratings, and with mine apart."""

    message: Message
    mine: Rating | None
    is_awaited: bool
    has_failed: bool


def turns(rows: Iterable[Message], viewer: User) -> list[Turn]:
    """Put what the viewer thinks beside each message of a page."""
    return [
        Turn(
            row,
            next((each for each in row.ratings.all() if each.user == viewer), None),
            row.reply_status in (WorkStatus.PENDING, WorkStatus.RUNNING),
            row.reply_status == WorkStatus.FAILED,
        )
        for row in rows
    ]


def said_in(session: Session) -> QuerySet[Message]:
    """List what was said, with how far answers are and what people think of them."""
    ratings = Prefetch("ratings", Rating.objects.select_related("user"))
    return session.message_rows.with_reply().prefetch_related(ratings)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())


def tags_of(organization: Organization, most: int = 200) -> QuerySet[Tag]:
    """List an organization's tags by name, as many as a page offers."""
    return Tag.objects.for_organization(organization)[:most]
