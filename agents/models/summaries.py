from django.db import models

from accounts.models.lifecycle import LeasedWork, unfinished
from agents.models.sessions import Message, Session

# So many of the latest messages a model is told word for word.
WORD_FOR_WORD = 10


class SessionSummaryQuerySet(models.QuerySet):
    def before(self, question: Message) -> str:
        """Return what was said before the messages told word for word."""
        if question.sequence <= WORD_FOR_WORD:
            return ""
        mine = self.filter(pk=question.session_id, covers__lt=question.sequence)
        return mine.values_list("text", flat=True).first() or ""


class SessionSummary(LeasedWork):
    """What was said in a conversation before its latest messages, in short."""

    task, queue = "agents.tasks.summarize", "replies"
    organization_path = "session__organization"

    session = models.OneToOneField(
        Session, primary_key=True, on_delete=models.CASCADE, related_name="summary"
    )
    text = models.TextField(blank=True, default="")
    # The sequence of the last message in it.
    covers = models.PositiveIntegerField(default=0)

    objects = SessionSummaryQuerySet.as_manager()

    class Meta:
        db_table = "session_summaries"
        indexes = [unfinished("ix_summaries_unfinished")]

    def __str__(self) -> str:
        return f"Summary of {self.session_id}"
