from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.models.lifecycle import (
    Idempotent,
    LeasedWork,
    TimeStamped,
    new_id,
    unfinished,
)
from accounts.models.users import User
from agents.models.agents import Agent
from agents.models.versions import AgentVersion
from metrics.models import Difficulty


class CustodyKind(models.TextChoices):
    BEHAVIOUR = "behaviour", "Behaviour"
    ATTACK = "attack", "Attack"


class CustodyTest(TimeStamped, Idempotent):
    """A question an agent must answer in a certain way before it goes live."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    agent = models.ForeignKey(
        Agent, on_delete=models.CASCADE, related_name="custody_tests", db_index=False
    )
    name = models.CharField(max_length=200)
    kind = models.CharField(
        max_length=10, choices=CustodyKind, default=CustodyKind.BEHAVIOUR
    )
    question = models.TextField()
    # What is asked before it, each answered by the agent under test.
    earlier = models.JSONField(default=list, blank=True)
    # What the answer must fulfil: [{"type": ..., ...}], see `agents.custody.graders`.
    graders = models.JSONField(default=list)
    difficulty = models.CharField(
        max_length=20, choices=Difficulty, default=Difficulty.BASIC
    )
    is_enabled = models.BooleanField(default=True)
    created_by_user = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        db_table = "custody_tests"
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                "agent", Lower("name"), name="uq_custody_tests_name"
            ),
            models.UniqueConstraint(
                fields=["agent", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="uq_custody_tests_idempotency_key",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CustodyRun(LeasedWork, Idempotent):
    """All tests and attacks put to one version of an agent."""

    task, queue = "agents.tasks.run_custody", "work"
    organization_path = "agent__organization"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    agent = models.ForeignKey(
        Agent, on_delete=models.CASCADE, related_name="custody_runs", db_index=False
    )
    version = models.ForeignKey(
        AgentVersion, on_delete=models.CASCADE, related_name="custody_runs"
    )
    number = models.PositiveIntegerField()
    # The cases as they were when it began, and their digest.
    cases = models.JSONField()
    suite = models.CharField(max_length=64)
    total = models.PositiveIntegerField()
    passed_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    started_by_user = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "custody_runs"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["agent", "number"], name="uq_custody_runs_number"
            ),
            models.UniqueConstraint(
                fields=["agent", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="uq_custody_runs_idempotency_key",
            ),
        ]
        indexes = [unfinished("ix_custody_runs_unfinished")]

    def __str__(self) -> str:
        return f"Run {self.number}"

    @property
    def done(self) -> int:
        """How many cases have a result."""
        return self.passed_count + self.failed_count

    @property
    def has_passed(self) -> bool:
        return self.status == "done" and self.passed_count == self.total


class CustodyResult(models.Model):
    """What became of one case of a run; stored once, whoever produced it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(
        CustodyRun, on_delete=models.CASCADE, related_name="results", db_index=False
    )
    # Where its case stands in the run.
    position = models.PositiveIntegerField()
    passed = models.BooleanField()
    # [{"type", "passed", "reason"}], in the order of the graders.
    grades = models.JSONField()
    # [{"role", "content"}]: the whole talk, the graded answer last.
    transcript = models.JSONField()
    citations = models.JSONField(default=list)
    duration_ms = models.PositiveIntegerField()
    tokens = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "custody_results"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "position"], name="uq_custody_results_position"
            )
        ]

    def __str__(self) -> str:
        return f"{self.position}: {'passed' if self.passed else 'failed'}"
