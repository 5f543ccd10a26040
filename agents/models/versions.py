from django.db import models

from accounts.models.lifecycle import LeasedWork, new_id, unfinished
from accounts.models.users import User
from agents.models.agents import Agent
from agents.models.knowledge import KnowledgePack
from agents.models.personas import Persona


class VersionOrigin(models.TextChoices):
    EDIT = "edit", "Edited"
    OPTIMIZER = "optimizer", "Written by the optimizer"
    RESTORE = "restore", "Restored"


class VersionIsImmutable(Exception):
    """A stored version may never change; make a new one."""


class AgentVersion(models.Model):
    """A snapshot of everything that shapes an answer."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    agent = models.ForeignKey(
        Agent, on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField()
    system_prompt = models.TextField(blank=True)
    persona = models.ForeignKey(
        Persona, null=True, on_delete=models.PROTECT, related_name="+"
    )
    # The persona's text at that time: a persona may be edited later.
    persona_prompt = models.TextField(blank=True)
    knowledge_pack = models.ForeignKey(
        KnowledgePack, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    config = models.JSONField(default=dict)
    widget_config = models.JSONField(default=dict)
    author = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    origin = models.CharField(
        max_length=10, choices=VersionOrigin, default=VersionOrigin.EDIT
    )
    custody_result = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "agent_versions"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["agent", "number"], name="uq_agent_versions_number"
            )
        ]

    def __str__(self) -> str:
        return f"Version {self.number}"

    def save(self, *args, **kwargs):
        changed = set(kwargs.get("update_fields") or ["everything"])
        if not self._state.adding and changed != {"custody_result"}:
            raise VersionIsImmutable
        super().save(*args, **kwargs)

    @property
    def is_proposed(self) -> bool:
        """Whether the optimizer wrote it."""
        return self.origin == VersionOrigin.OPTIMIZER


class OptimizationOutcome(models.TextChoices):
    LIVE = "live", "Went live"
    PROPOSED = "proposed", "Proposed"
    NO_GAIN = "no_gain", "Nothing better found"
    OVERTAKEN = "overtaken", "Overtaken by an edit"


class OptimizationRun(LeasedWork):
    """One attempt to improve an agent's prompt in the background."""

    task, queue = "agents.tasks.optimize_agent_prompt_background", "work"
    organization_path = "agent__organization"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    agent = models.ForeignKey(
        Agent, on_delete=models.CASCADE, related_name="optimization_runs"
    )
    base_version = models.ForeignKey(
        AgentVersion, on_delete=models.CASCADE, related_name="+"
    )
    result_version = models.ForeignKey(
        AgentVersion, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    outcome = models.CharField(
        max_length=10, choices=OptimizationOutcome, blank=True, default=""
    )
    provider = models.CharField(max_length=50, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "optimization_runs"
        ordering = ["-created_at", "-id"]
        indexes = [unfinished("ix_optimization_unfinished")]

    def __str__(self) -> str:
        return f"Optimization of {self.agent_id}"
