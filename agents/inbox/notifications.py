"""Mail members who chose it: somebody waits, or wrote again, or was given to them."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.access.permissions import MATRIX
from accounts.models.lifecycle import WorkStatus
from accounts.models.organizations import Membership
from accounts.models.users import User
from accounts.work.leases import GAVE_UP, claim, finish, retry_later
from agents.models.inbox import Holder, InboxEntry, InboxNotice, NoticeKind, Notify
from agents.models.sessions import Session

log = structlog.get_logger(__name__)

# One mail about a conversation to a member, however much is said meanwhile.
QUIET = timedelta(minutes=15)
# Who is looking anyway reads it before this is over, and gets no mail.
GRACE = timedelta(seconds=30)
LEASE_SECONDS = 60
MAX_ATTEMPTS = 5
RETRY_SECONDS = 60
SNIPPET = 300


def notify_waiting(session: Session, entry: InboxEntry) -> None:
    """Mail whoever wants to know that somebody waits, or has this conversation."""
    members = _members(session)
    wanted = members.filter(inbox_preference__notify=Notify.ALL)
    if entry.assignee_id:
        mine = members.filter(inbox_preference__notify=Notify.MINE)
        wanted |= mine.filter(user=entry.assignee_id)
    _queue(session, NoticeKind.WAITING, wanted)


def notify_holder(session: Session, entry: InboxEntry) -> None:
    """Mail who answers a conversation that its visitor wrote again."""
    if entry.assignee_id:
        _queue(session, NoticeKind.WROTE, _one(session, entry.assignee_id))


def notify_assigned(session: Session, user: User) -> None:
    """Mail a member that a colleague gave them a conversation."""
    _queue(session, NoticeKind.ASSIGNED, _one(session, user.pk))


def _members(session: Session) -> QuerySet[Membership]:
    return Membership.objects.filter(
        organization=session.organization_id,
        role__in=MATRIX["sessions:write"],
        user__is_active=True,
        user__deleted_at=None,
    )


def _one(session: Session, user_id: Any) -> QuerySet[Membership]:
    return _members(session).filter(
        user=user_id, inbox_preference__notify__in=[Notify.ALL, Notify.MINE]
    )


def _queue(session: Session, kind: str, members: QuerySet[Membership]) -> None:
    """Queue mails, under the session's lock: two at once would not see each other."""
    now = timezone.now()
    told = InboxNotice.objects.filter(session=session, created_at__gt=now - QUIET)
    quiet = set(told.values_list("membership_id", flat=True))
    notices = [
        InboxNotice(
            session=session, membership_id=member, kind=kind, run_after=now + GRACE
        )
        for member in members.values_list("pk", flat=True)
        if member not in quiet
    ]
    InboxNotice.objects.bulk_create(notices)


def mail(notice_id: Any) -> bool:
    """Send one mail if it is still news; may be called repeatedly."""
    notice = claim(InboxNotice, notice_id, lease_seconds=LEASE_SECONDS, give_up=give_up)
    if notice is None:
        return False
    row = InboxNotice.objects.select_related(
        "session__agent_ref", "session__inbox_entry", "membership__user"
    ).get(pk=notice.pk)
    try:
        is_sent = _is_news(row) and _send(row)
    except OSError as error:
        log.warning("Notice not sent", error=type(error).__name__)
        if notice.attempt < MAX_ATTEMPTS:
            retry_later(notice, error=str(error), delay_seconds=RETRY_SECONDS)
        else:
            give_up(notice, str(error))
        return False
    return finish(notice, WorkStatus.DONE, finished_at=timezone.now()) and is_sent


def give_up(notice: InboxNotice, error: str = GAVE_UP) -> None:
    """Leave a mail unsent."""
    finish(notice, WorkStatus.FAILED, error=error, finished_at=timezone.now())


def _is_news(notice: InboxNotice) -> bool:
    """Say whether the member may still care, and nobody has read it by now."""
    entry, member = notice.session.inbox_entry, notice.membership
    may_answer = member.role in MATRIX["sessions:write"]
    if not may_answer or not member.user.is_active or member.user.is_deleted:
        return False
    if notice.kind == NoticeKind.ASSIGNED:
        return entry.assignee_id == member.user_id
    is_others = entry.holder == Holder.PERSON and entry.assignee_id != member.user_id
    return entry.is_unread and not is_others


def _send(notice: InboxNotice) -> bool:
    session, entry = notice.session, notice.session.inbox_entry
    said = session.message_rows.filter(role="user").order_by("-sequence").first()
    context = {
        "agent": " ".join(str(session.agent_ref).split()),
        "waits": entry.holder == Holder.WAITING,
        "said": said.content[:SNIPPET] if said else "",
        "link": settings.PUBLIC_BASE_URL
        + reverse("agents:inbox_conversation", args=[session.pk]),
        "preferences": settings.PUBLIC_BASE_URL + reverse("agents:inbox_preferences"),
        "current_site": {"domain": urlsplit(settings.PUBLIC_BASE_URL).netloc},
    }
    subject = "Somebody waits for a person" if context["waits"] else "A visitor wrote"
    return bool(
        send_mail(
            f"{subject}: {context['agent']}",
            render_to_string("agents/inbox/email/notice.txt", context),
            None,
            [notice.membership.user.email],
            html_message=render_to_string("agents/inbox/email/notice.html", context),
        )
    )
