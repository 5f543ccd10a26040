"""The work of answering, question by question."""

from django.db import models
from django.db.models import Q

from accounts.models.lifecycle import LeasedWork, WorkStatus, new_id, unfinished
from agents.models.sessions import Message, Session
from agents.models.versions import AgentVersion


class ReplyQuerySet(models.QuerySet):
    def unfinished(self):
        return self.filter(status__in=[WorkStatus.PENDING, WorkStatus.RUNNING])


class Reply(LeasedWork):
    """The work of answering one question; one of a question's replies counts."""

    task, queue = "agents.tasks.answer", "replies"
    organization_path = "session__organization"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="replies"
    )
    question = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="replies"
    )
    answer = models.OneToOneField(
        Message, null=True, on_delete=models.SET_NULL, related_name="answers"
    )
    version = models.ForeignKey(
        AgentVersion, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Where in the session's event stream this reply begins.
    events_after = models.CharField(max_length=40, default="0-0")
    provider = models.CharField(max_length=50, blank=True, default="")
    # Why it failed, as its reader is told; `last_error` is for the operator.
    failure_code = models.CharField(max_length=50, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    first_token_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # When the end was published; a worker may die between storing and telling.
    announced_at = models.DateTimeField(null=True)
    # When another reply to the same question was asked for.
    superseded_at = models.DateTimeField(null=True)
    # What the model was given to read, a guess made before it is asked: so much is
    # spent should somebody stop it.
    prompt_tokens = models.PositiveIntegerField(default=0, db_default=0)

    objects = ReplyQuerySet.as_manager()

    class Meta:
        db_table = "replies"
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["question"],
                condition=Q(superseded_at=None),
                name="uq_replies_one_counts",
            )
        ]
        indexes = [
            unfinished("ix_replies_unfinished"),
            models.Index(
                fields=["finished_at"],
                condition=Q(announced_at=None, finished_at__isnull=False),
                name="ix_replies_unannounced",
            ),
        ]

    def __str__(self) -> str:
        return f"Reply to {self.question_id}"
