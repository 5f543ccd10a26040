"""What a team's inbox shows: queues of conversations, in a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from accounts.access.permissions import MATRIX
from accounts.errors import NotFound
from accounts.models.organizations import Membership, Organization
from accounts.models.users import User
from agents.conversations import inbox_feed
from agents.conversations.search import saying
from agents.inbox import closing, triage
from agents.models.feedback import Rating, RatingValue
from agents.models.inbox import Holder, InboxEntry, Note
from agents.models.sessions import Message, MessageRole, Session, SessionStatus

WAITING, UNANSWERED, DISLIKED, MINE, ALL = VIEWS = (
    "waiting",
    "unanswered",
    "disliked",
    "mine",
    "all",
)
SPOKEN = (MessageRole.USER, MessageRole.ASSISTANT)
MAX_WORDS = 200


@dataclass
class Row:
    """One conversation of a queue, as a member sees it."""

    session: Session
    viewer: User

    @property
    def entry(self) -> InboxEntry | None:
        return getattr(self.session, "inbox_entry", None)

    @property
    def name(self) -> str:
        """Whom the conversation is with; a visitor of a site has no name."""
        return str(self.session.user) if self.session.user else "Visitor"

    @property
    def hue(self) -> str:
        """What the avatar's colour is chosen by."""
        return self.session.visitor_id or self.name

    @property
    def place(self) -> str:
        """The site it is led on."""
        origin = self.session.metadata.get("origin", "")
        return urlsplit(origin).netloc if isinstance(origin, str) else ""

    @property
    def is_unread(self) -> bool:
        return bool(self.entry and self.entry.is_unread)

    @property
    def is_mine(self) -> bool:
        return bool(self.entry and self.entry.assignee_id == self.viewer.pk)

    @property
    def state(self) -> str:
        """Say in a few words why it is here."""
        entry = self.entry
        if entry and entry.holder == Holder.PERSON:
            return "with you" if self.is_mine else f"with {entry.person.get('name')}"
        if entry and entry.holder == Holder.WAITING:
            if entry.contact_email:
                return "left an address"
            return "nobody came" if entry.is_late else "asked for a person"
        if self.session.is_disliked:
            return "thumbs-down"
        if entry and entry.unanswered_at:
            return "no answer found"
        if not self.session.is_active:
            return self.session.get_status_display().lower()
        return "answered by the agent"


def find(
    organization: Organization,
    viewer: User,
    *,
    view: str = ALL,
    words: str = "",
    only_agent: UUID | None = None,
) -> QuerySet[Session]:
    """Find the conversations of a queue, those first that wait longest or are newest.

    `words` are looked for in what was said and in the names.
    """
    sessions = _shown(organization).filter(_condition(view, viewer))
    if only_agent is not None:
        sessions = sessions.filter(agent_ref__public_id=only_agent)
    if words := words.strip()[:MAX_WORDS].replace("\x00", ""):
        mine = Session.objects.for_organization(organization)
        sessions = sessions.filter(
            Q(pk__in=saying(mine, words).order_by().values("pk"))
            | Q(user__name__icontains=words)
            | Q(agent_ref__name__icontains=words)
            | Q(inbox_entry__contact_email__icontains=words)
        )
    if view == WAITING:
        return sessions.order_by("inbox_entry__requested_at", "pk")
    return sessions.latest_first()


def _shown(organization: Organization) -> QuerySet[Session]:
    """Everything a row shows, in one query."""
    said = Message.objects.standing().filter(session=OuterRef("pk"), role__in=SPOKEN)
    return (
        Session.objects.for_organization(organization)
        .select_related("user", "agent_ref", "inbox_entry__assignee")
        .annotate(
            last_said=Subquery(said.order_by("-sequence").values("content")[:1]),
            is_disliked=_is_disliked(),
        )
    )


def _is_disliked() -> Exists:
    """Whether a rating says so that the team has not dealt with yet."""
    return Exists(
        Rating.objects.filter(session=OuterRef("pk"), value=RatingValue.DOWN).filter(
            Q(session__inbox_entry=None)
            | Q(session__inbox_entry__settled_at=None)
            | Q(updated_at__gt=F("session__inbox_entry__settled_at"))
        )
    )


def _condition(view: str, viewer: User) -> Q:
    return {
        WAITING: Q(inbox_entry__holder=Holder.WAITING),
        UNANSWERED: Q(inbox_entry__unanswered_at__isnull=False),
        DISLIKED: Q(is_disliked=True),
        MINE: Q(inbox_entry__assignee=viewer),
        ALL: Q(),
    }[view]


def rows(sessions: Iterable[Session], viewer: User) -> list[Row]:
    return [Row(session, viewer) for session in sessions]


def counts(organization: Organization, viewer: User) -> dict[str, int]:
    """Count each queue but the last, and what concerns the viewer, in two queries."""
    unread = Q(seen_sequence__lt=F("heard_sequence"), holder=Holder.PERSON)
    mine = Q(assignee=viewer)
    counted = InboxEntry.objects.for_organization(organization).aggregate(
        waiting=Count("pk", filter=Q(holder=Holder.WAITING)),
        unanswered=Count("pk", filter=Q(unanswered_at__isnull=False)),
        mine=Count("pk", filter=mine),
        unread=Count("pk", filter=mine & unread),
    )
    disliked = Session.objects.for_organization(organization).filter(_is_disliked())
    # What a member should look at now: who waits, and who wrote to them.
    hot = counted["waiting"] + counted.pop("unread")
    return counted | {"disliked": disliked.count(), "hot": hot}


def find_conversation(organization: Organization, session_id: Any) -> Session:
    """Return one conversation as a row shows it. Raises NotFound."""
    session = _shown(organization).filter(pk=session_id).first()
    if session is None:
        raise NotFound
    return session


def timeline(session: Session, limit: int) -> list[Message | Note]:
    """Return the latest messages of a conversation and its notes, by their time."""
    latest = session.message_rows.standing().order_by("-sequence")
    messages = list(latest.prefetch_related("ratings")[:limit])
    notes = session.notes.select_related("author").order_by("-created_at")
    begun = messages[-1].created_at if len(messages) == limit else None
    if begun is not None:
        notes = notes.filter(created_at__gte=begun)
    return sorted(
        [*messages, *notes[:limit]],
        key=lambda each: (each.created_at, getattr(each, "sequence", 0)),
    )


def colleagues(organization: Organization) -> QuerySet[Membership]:
    """Return the members who may answer visitors, by name."""
    return Membership.objects.filter(
        organization=organization,
        role__in=MATRIX["sessions:write"],
        user__is_active=True,
        user__deleted_at=None,
    ).with_users()


def see(session: Session, viewer: User) -> None:
    """Note that a member has read a conversation; tell others only if that is new."""
    entry = getattr(session, "inbox_entry", None)
    if entry and entry.is_unread and entry.see(viewer):
        inbox_feed.tell(session)


def close(*, session: Session, actor: User) -> InboxEntry:
    """Be done with a conversation; one that a person has or waits for also ends.

    One the agent leads goes on: only the team has dealt with what was left open.
    """
    entry = getattr(session, "inbox_entry", None)
    is_held = entry is not None and entry.holder != Holder.AGENT
    if is_held and session.is_active:
        closing.end_session(
            session=session, status=SessionStatus.COMPLETED, actor=actor
        )
    return triage.settle(session=session, actor=actor)
