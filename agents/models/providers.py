"""Accounts at the makers of models: where to ask, and as whom."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from accounts.encryption import decrypt
from accounts.models.lifecycle import OfOrganization, TimeStamped, new_id
from accounts.models.organizations import Organization

# The model that is none: answers composed from the documents.
GROUNDED = "grounded"
SHORTEST_SILENCE, LONGEST_SILENCE = 5, 110


class ProviderKind(models.TextChoices):
    OPENAI = "openai", "OpenAI"
    GEMINI = "gemini", "Google Gemini"
    ANTHROPIC = "anthropic", "Anthropic"
    OLLAMA = "ollama", "Ollama"
    VLLM = "vllm", "vLLM"
    OTHER = "other", "Another OpenAI-compatible server"


# Where each is asked unless told otherwise; of the last nobody knows.
USUAL_URLS = {
    ProviderKind.OPENAI: "https://api.openai.com/v1",
    ProviderKind.GEMINI: "https://generativelanguage.googleapis.com/v1beta/openai",
    ProviderKind.ANTHROPIC: "https://api.anthropic.com/v1",
    ProviderKind.OLLAMA: "http://localhost:11434/v1",
    ProviderKind.VLLM: "http://localhost:8000/v1",
}


class ProviderAccountQuerySet(OfOrganization):
    def newest_first(self):
        return self.order_by("-created_at", "-id")

    def in_use(self):
        """Those that may be asked, the default first."""
        return self.filter(is_enabled=True).order_by("-is_default", "created_at", "id")

    def making_vectors(self):
        """Those that make vectors of documents, best first."""
        return (
            self.in_use().filter(embedding_dimensions__gt=0).exclude(embedding_model="")
        )

    def with_fallback(self):
        return self.select_related("fallback")


class ProviderAccount(TimeStamped):
    """An organization's account; its key is encrypted, and shown to nobody again."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="provider_accounts"
    )
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=ProviderKind)
    base_url = models.CharField(max_length=500)
    encrypted_key = models.TextField(blank=True, default="", editable=False)
    # To tell one key from another; blank where there is none.
    key_last_four = models.CharField(max_length=4, blank=True, default="")
    # What agents that name none are made with, if this is the default account.
    default_model = models.CharField(max_length=200, blank=True, default="")
    # What the provider said it offers, when it was last asked.
    known_models = ArrayField(
        models.CharField(max_length=200), default=list, blank=True
    )
    # Makes the vectors of the organization's documents, once a test has shown how
    # many dimensions they have.
    embedding_model = models.CharField(max_length=200, blank=True, default="")
    embedding_dimensions = models.PositiveIntegerField(default=0)
    silence_seconds = models.PositiveSmallIntegerField(
        default=30,
        validators=[
            MinValueValidator(SHORTEST_SILENCE),
            MaxValueValidator(LONGEST_SILENCE),
        ],
    )
    # Asked where this one fails.
    fallback = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    is_enabled = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False)
    # How the last test went; blank with a date is well.
    checked_at = models.DateTimeField(null=True, blank=True)
    check_error = models.CharField(max_length=500, blank=True, default="")

    objects = ProviderAccountQuerySet.as_manager()

    class Meta:
        db_table = "provider_accounts"
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                "organization", Lower("name"), name="uq_provider_accounts_name"
            ),
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(is_default=True),
                name="uq_provider_accounts_one_default",
            ),
            models.CheckConstraint(
                condition=Q(fallback=None) | ~Q(fallback=F("id")),
                name="ck_provider_accounts_another_fallback",
            ),
            models.CheckConstraint(
                condition=Q(
                    silence_seconds__gte=SHORTEST_SILENCE,
                    silence_seconds__lte=LONGEST_SILENCE,
                ),
                name="ck_provider_accounts_silence",
            ),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(is_enabled=True),
                name="ck_provider_accounts_default_is_enabled",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def api_key(self) -> str:
        """The key itself. Raises Undecryptable."""
        return decrypt(self.encrypted_key) if self.encrypted_key else ""

    @property
    def offered(self) -> list[str]:
        """The models to choose from: its own first, then what it was said to have."""
        own = [self.default_model] if self.default_model else []
        return list(dict.fromkeys([*own, *self.known_models]))

    def offers(self, model: str) -> bool:
        """Say whether a model may be asked for; a list nobody has read offers all."""
        return not self.known_models or model in self.offered

    def others(self):
        """The organization's other accounts, of which one may stand in for this."""
        mine = ProviderAccount.objects.for_organization(self.organization_id)
        return mine.exclude(pk=self.pk)

    @property
    def makes_vectors(self) -> bool:
        return bool(
            self.is_enabled and self.embedding_model and self.embedding_dimensions
        )
