import uuid

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts import cache
from accounts.errors import Stale
from accounts.models.api_keys import APIKey, hash_key, is_well_formed
from accounts.models.lifecycle import (
    AliveManager,
    Idempotent,
    OfOrganization,
    SoftDeleted,
    SoftDeleteQuerySet,
    TimeStamped,
)
from accounts.models.organizations import Organization
from accounts.models.users import User
from agents.models.agent_fields import setting
from agents.models.knowledge import KnowledgePack
from agents.models.personas import Persona


class Template(models.TextChoices):
    CUSTOM = "custom"
    CUSTOMER_SUPPORT = "customer_support"
    SALES_ASSISTANT = "sales_assistant"
    TECHNICAL_DOCS = "technical_docs"
    LEAD_QUALIFICATION = "lead_qualification"
    PRODUCT_EXPERT = "product_expert"
    FAQ_BOT = "faq_bot", "FAQ bot"
    ONBOARDING_GUIDE = "onboarding_guide"


class Industry(models.TextChoices):
    GENERAL = "general"
    SAAS = "saas", "SaaS"
    ECOMMERCE = "ecommerce", "E-commerce"
    HEALTHCARE = "healthcare"
    FINTECH = "fintech"
    EDUCATION = "education"
    REAL_ESTATE = "real_estate"
    CONSULTING = "consulting"


class OptimizationStatus(models.TextChoices):
    NONE = "none"
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class WidgetMode(models.TextChoices):
    PUBLIC = "public", "Anyone on an allowed site"
    IDENTITY_REQUIRED = "identity_required", "Signed-in visitors only"
    SERVER_ONLY = "server_only", "Only through your own server"

    @classmethod
    def offered(cls) -> list["WidgetMode"]:
        """Return those an agent may be given; the others keep its widget closed."""
        return [cls.PUBLIC]

    @property
    def words(self) -> str:
        is_offered = self in WidgetMode.offered()
        return self.label if is_offered else f"{self.label}: not available yet"


class ReleaseGate(models.TextChoices):
    NONE = "none", "Every edit goes live"
    WARN = "warn", "Edits are drafts; warn about failed tests"
    ENFORCE = "enforce", "Edits are drafts; failed tests stop a release"


class AgentQuerySet(OfOrganization, SoftDeleteQuerySet):
    def with_details(self):
        """Everything one row of the agent list shows, in one query."""
        return self.select_related("persona", "knowledge_pack", "live_version")

    def lock(self, pk):
        """Return an agent with its details, locked, or None.

        The lock comes first: details read while waiting for it would be of before.
        """
        held = self.select_for_update(no_key=True).filter(pk=pk).order_by()
        if not held.values_list("pk", flat=True):
            return None
        return self.with_details().filter(pk=pk).order_by().first()

    def bound_to_key(self, raw: str):
        """The agent that a raw API key is bound to, as long as the key is good."""
        if not is_well_formed(raw):
            return self.none()
        keys = APIKey.objects.usable().filter(
            key_hash=hash_key(raw), organization=models.OuterRef("organization")
        )
        return self.filter(public_id__in=keys.values("agent_public_id")).order_by()

    def newest_first(self):
        return self.order_by("-created_at", "-id")

    def has(self, organization, public_id) -> bool:
        """Say whether the organization has this agent, alive."""
        mine = self.for_organization(organization).filter(public_id=public_id)
        return mine.order_by().exists()

    def names_of(self, organization, most):
        """The newest agents of an organization: public id and name of each."""
        mine = self.for_organization(organization).newest_first()
        return mine.values_list("public_id", "name")[:most]


class AgentManager(models.Manager.from_queryset(AgentQuerySet), AliveManager):
    pass


class Agent(TimeStamped, SoftDeleted, Idempotent):
    """An agent as its owners edit it; `live_version` is what answers visitors."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="agents", db_index=False
    )
    slug = models.SlugField(max_length=50, editable=False, db_index=False)

    # What owners write, in the order in which answers show it.
    name = setting(models.CharField(max_length=255))
    description = setting(models.CharField(max_length=2000, blank=True))
    template = setting(
        models.CharField(max_length=30, choices=Template, default=Template.CUSTOM)
    )
    industry = setting(
        models.CharField(max_length=30, choices=Industry, default=Industry.GENERAL)
    )
    system_prompt = setting(
        models.TextField(
            max_length=10_000, blank=True, validators=[MaxLengthValidator(10_000)]
        ),
        shapes=True,
    )
    persona = setting(
        models.ForeignKey(Persona, models.PROTECT, "agents", null=True, blank=True),
        shapes=True,
        by="key",
        recorded_as="persona",
    )
    knowledge_pack = setting(
        models.ForeignKey(
            KnowledgePack, models.SET_NULL, "agents", null=True, blank=True
        ),
        shapes=True,
        by="id",
        # Its texts travel instead.
        in_file=False,
    )
    config = setting(models.JSONField(default=dict), shapes=True)
    widget_config = setting(models.JSONField(default=dict), shapes=True)
    allowed_origins = setting(models.JSONField(default=list, blank=True))
    widget_mode = setting(
        models.CharField(max_length=20, choices=WidgetMode, default=WidgetMode.PUBLIC)
    )
    release_gate = setting(
        models.CharField(max_length=10, choices=ReleaseGate, default=ReleaseGate.NONE)
    )
    is_active = setting(models.BooleanField(default=True), in_copy=True)
    # A copy's prompt is as somebody wants it: only a later edit asks the optimizer.
    auto_optimize = setting(models.BooleanField(default=True), in_copy=False)

    live_version = models.ForeignKey(
        "AgentVersion",
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    draft_version = models.ForeignKey(
        "AgentVersion",
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    optimization_status = models.CharField(
        max_length=10,
        choices=OptimizationStatus,
        default=OptimizationStatus.NONE,
        editable=False,
    )
    optimization_metadata = models.JSONField(default=dict, editable=False)
    created_by_user = models.ForeignKey(
        User, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    updated_by_user = models.ForeignKey(
        User, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    # Raised by every edit; what an ETag is made of.
    revision = models.PositiveIntegerField(default=1, editable=False)

    objects = AgentManager()
    all_objects = AgentQuerySet.as_manager()

    class Meta(SoftDeleted.Meta):
        abstract = False
        db_table = "agents"
        indexes = [
            models.Index(fields=["idempotency_key"], name="ix_agents_idempotency_key"),
            # The order of every list; equal times are told apart by id.
            models.Index(
                "organization",
                models.F("created_at").desc(),
                models.F("id").desc(),
                condition=Q(deleted_at=None),
                name="ix_agents_newest",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="uq_agents_idempotency_key",
            ),
            models.UniqueConstraint(
                "organization",
                Lower("name"),
                condition=Q(deleted_at=None),
                name="uq_agents_org_name",
            ),
            models.UniqueConstraint(
                fields=["organization", "slug"], name="uq_agents_slug"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs):
        super().save(*args, **kwargs)
        cache.forget("agent", self.public_id)

    def delete(self, *args, **kwargs):
        cache.forget("agent", self.public_id)
        return super().delete(*args, **kwargs)

    @property
    def optimization_pending(self) -> bool:
        return self.optimization_status in (
            OptimizationStatus.PENDING,
            OptimizationStatus.RUNNING,
        )

    @property
    def widget_words(self) -> str:
        return WidgetMode(self.widget_mode).words

    @property
    def etag(self) -> str:
        return f'"{self.public_id}-{self.revision}"'

    @property
    def has_proposal(self) -> bool:
        """Whether a version of the optimizer's waits for its release."""
        return bool(self.draft_version and self.draft_version.is_proposed)

    def take_shape(self, version) -> None:
        """Become what a version of this agent says; the caller saves."""
        for each in SHAPING_SETTINGS:
            setattr(self, each.name, getattr(version, each.name))

    def check_unchanged(self, if_match: str | None) -> None:
        """Raise Stale if an If-Match header is given and names another revision."""
        if if_match is None:
            return
        tags = {tag.strip().removeprefix("W/") for tag in if_match.split(",")}
        if not tags & {self.etag, "*"}:
            raise Stale

    @property
    def is_answering(self) -> bool:
        """Whether visitors may talk with it now."""
        return self.is_active and not self.is_deleted


# In the order of their declaration.
SETTINGS = tuple(
    each.setting for each in Agent._meta.concrete_fields if hasattr(each, "setting")
)
PLAIN_SETTINGS = tuple(each for each in SETTINGS if each.is_plain)
SHAPING_SETTINGS = tuple(each for each in SETTINGS if each.shapes)
