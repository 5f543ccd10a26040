from django.db import models
from django.utils import timezone

from agents.models.agents import Agent


class AgentStats(models.Model):
    """What an agent has done in all, as it was last counted."""

    agent = models.OneToOneField(
        Agent, on_delete=models.CASCADE, related_name="stats", primary_key=True
    )
    total_conversations = models.PositiveIntegerField(default=0)
    total_messages = models.PositiveIntegerField(default=0)
    total_documents = models.PositiveIntegerField(default=0)
    recent_conversations = models.PositiveIntegerField(default=0)
    last_used_at = models.DateTimeField(null=True, blank=True)
    counted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "agent_stats"
        indexes = [models.Index(fields=["counted_at"], name="ix_agent_stats_counted")]

    def __str__(self) -> str:
        return f"Stats of {self.agent_id}"
