"""The team's side of conversations: who answers, what is left open, notes."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models.lifecycle import (
    LeasedWork,
    OfOrganization,
    TimeStamped,
    new_id,
    unfinished,
)
from accounts.models.organizations import Membership, Organization
from accounts.models.users import User
from agents.models.sessions import Session

MAX_EMAIL = 254
MAX_NOTE = 4_000
MAX_CANNED = 4_000


class Holder(models.TextChoices):
    """Who answers in a conversation now."""

    AGENT = "agent", "The agent answers"
    WAITING = "waiting", "Waits for a person"
    PERSON = "person", "A person answers"


class InboxEntryQuerySet(models.QuerySet):
    def for_organization(self, organization):
        return self.filter(organization=organization, session__deleted_at=None)

    def overdue(self):
        """Those who wait longer than they were promised, and were not told so."""
        return self.filter(
            organization__deleted_at=None,
            holder=Holder.WAITING,
            apologized_at=None,
            deadline_at__lte=timezone.now(),
        )

    def deserted(self):
        """Conversations held by somebody who left the organization."""
        here = Membership.objects.filter(
            organization=models.OuterRef("organization"),
            user=models.OuterRef("assignee"),
            user__is_active=True,
            user__deleted_at=None,
        )
        return self.filter(
            ~models.Exists(here), holder=Holder.PERSON, organization__deleted_at=None
        )


class InboxEntry(TimeStamped):
    """What the team has to do with a conversation; made when there is something.

    Written under its session's lock only.
    """

    session = models.OneToOneField(
        Session, on_delete=models.CASCADE, related_name="inbox_entry", primary_key=True
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    holder = models.CharField(max_length=10, choices=Holder, default=Holder.AGENT)
    assignee = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    # {"name", "title"} of who answers, as the visitor was told.
    person = models.JSONField(default=dict, blank=True)
    requested_at = models.DateTimeField(null=True, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    # Until when the visitor was told to wait, and when we said that nobody came.
    deadline_at = models.DateTimeField(null=True, blank=True)
    apologized_at = models.DateTimeField(null=True, blank=True)
    # Where the visitor wants an answer that comes too late for the chat.
    contact_email = models.EmailField(max_length=MAX_EMAIL, blank=True, default="")
    # What the visitor asked for a person in, such as "german".
    language = models.CharField(max_length=20, blank=True, default="")
    # The visitor's latest message to a person, and the latest one somebody saw.
    heard_sequence = models.PositiveIntegerField(default=0)
    seen_sequence = models.PositiveIntegerField(default=0)
    # When the agent last had no answer; none once a member has dealt with it.
    unanswered_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = InboxEntryQuerySet.as_manager()

    class Meta:
        db_table = "inbox_entries"
        verbose_name_plural = "inbox entries"
        ordering = ["-updated_at", "-session"]
        constraints = [
            models.CheckConstraint(
                condition=Q(holder__in=Holder.values), name="ck_inbox_entries_holder"
            ),
            models.CheckConstraint(
                condition=~Q(holder=Holder.WAITING) | Q(requested_at__isnull=False),
                name="ck_inbox_entries_requested",
            ),
            models.CheckConstraint(
                condition=~Q(holder=Holder.PERSON) | Q(taken_at__isnull=False),
                name="ck_inbox_entries_taken",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "requested_at"],
                condition=Q(holder=Holder.WAITING),
                name="ix_inbox_entries_waiting",
            ),
            models.Index(
                fields=["organization", "assignee"],
                condition=Q(assignee__isnull=False),
                name="ix_inbox_entries_assignee",
            ),
            models.Index(
                fields=["organization", "unanswered_at"],
                condition=Q(unanswered_at__isnull=False),
                name="ix_inbox_entries_unanswered",
            ),
            models.Index(
                fields=["deadline_at"],
                condition=Q(holder=Holder.WAITING, apologized_at=None),
                name="ix_inbox_entries_deadline",
            ),
            models.Index(
                fields=["taken_at"],
                condition=Q(holder=Holder.PERSON),
                name="ix_inbox_entries_held",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_holder_display()}: {self.session_id}"

    @property
    def is_late(self) -> bool:
        """Whether the visitor was told that nobody came."""
        return self.holder == Holder.WAITING and self.apologized_at is not None

    @property
    def silences_agent(self) -> bool:
        """Whether the agent leaves the visitor's messages to a person."""
        return self.holder == Holder.PERSON or (
            self.holder == Holder.WAITING and not self.is_late
        )

    @property
    def is_unread(self) -> bool:
        is_open = self.holder != Holder.AGENT
        return is_open and self.heard_sequence > self.seen_sequence

    def hear(self, sequence: int) -> None:
        """Note a message that a person has to read."""
        self.heard_sequence = sequence
        self.save(update_fields=["heard_sequence", "updated_at"])

    def see(self, user: User) -> bool:
        """Note that a member read what was heard; of one who answers, only they do."""
        if self.holder == Holder.PERSON and self.assignee_id != user.pk:
            return False
        unseen = InboxEntry.objects.filter(
            pk=self.pk, seen_sequence__lt=self.heard_sequence
        )
        return bool(unseen.update(seen_sequence=self.heard_sequence))


class Note(TimeStamped):
    """What members tell one another about a conversation; visitors never see it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="notes")
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    author = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    text = models.TextField(max_length=MAX_NOTE)

    class Meta:
        db_table = "notes"
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.text[:60]


class CannedReplyQuerySet(OfOrganization):
    def matching(self, words: str):
        """Those whose shortcut or text holds the words, by shortcut."""
        found = self.filter(shortcut__icontains=words) | self.filter(
            text__icontains=words
        )
        return found.order_by("shortcut", "id")


class CannedReply(TimeStamped):
    """A text members send often, found by its shortcut."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        related_name="canned_replies",
        db_index=False,
    )
    shortcut = models.CharField(max_length=40)
    text = models.TextField(max_length=MAX_CANNED)
    created_by_user = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = CannedReplyQuerySet.as_manager()

    class Meta:
        db_table = "canned_replies"
        verbose_name_plural = "canned replies"
        ordering = ["shortcut", "id"]
        constraints = [
            models.UniqueConstraint(
                "organization", Lower("shortcut"), name="uq_canned_replies_shortcut"
            )
        ]

    def __str__(self) -> str:
        return f"/{self.shortcut}"


class Notify(models.TextChoices):
    """Which conversations a member is mailed about."""

    ALL = "all", "Whenever somebody waits for a person"
    MINE = "mine", "Only what is assigned to me"
    NONE = "none", "Nothing"


class InboxPreference(TimeStamped):
    """How a member takes part: what they are mailed, and as whom visitors know them."""

    membership = models.OneToOneField(
        Membership,
        on_delete=models.CASCADE,
        related_name="inbox_preference",
        primary_key=True,
    )
    notify = models.CharField(max_length=4, choices=Notify, default=Notify.NONE)
    # Blank: the member's own name, and no title.
    shown_name = models.CharField(max_length=100, blank=True, default="")
    shown_title = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        db_table = "inbox_preferences"
        constraints = [
            models.CheckConstraint(
                condition=Q(notify__in=Notify.values),
                name="ck_inbox_preferences_notify",
            )
        ]

    def __str__(self) -> str:
        return f"Inbox of {self.membership_id}"


class NoticeKind(models.TextChoices):
    WAITING = "waiting", "Somebody waits"
    WROTE = "wrote", "The visitor wrote"
    ASSIGNED = "assigned", "It was assigned"


class InboxNotice(LeasedWork):
    """One mail to one member about one conversation."""

    task, queue = "agents.tasks.mail_inbox_notice", "io"
    most_at_once = 2
    begins_later = True
    organization_path = "session__organization"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    membership = models.ForeignKey(
        Membership, on_delete=models.CASCADE, related_name="+"
    )
    kind = models.CharField(max_length=10, choices=NoticeKind)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "inbox_notices"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["session", "membership", "-created_at"],
                name="ix_inbox_notices_latest",
            ),
            unfinished("ix_inbox_notices_unfinished"),
        ]

    def __str__(self) -> str:
        return f"Notice of {self.session_id}"
