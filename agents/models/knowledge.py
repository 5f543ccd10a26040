import hashlib

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from pgvector.django import VectorField

from accounts.models.lifecycle import Idempotent, LeasedWork, TimeStamped, new_id
from accounts.models.organizations import Organization
from accounts.models.users import User


class Language(models.TextChoices):
    """The languages PostgreSQL stems, and those it cannot even split into words."""

    SIMPLE = "simple", "Any language"
    CHINESE = "chinese"
    DANISH = "danish"
    DUTCH = "dutch"
    ENGLISH = "english"
    FINNISH = "finnish"
    FRENCH = "french"
    GERMAN = "german"
    ITALIAN = "italian"
    JAPANESE = "japanese"
    KOREAN = "korean"
    NORWEGIAN = "norwegian"
    PORTUGUESE = "portuguese"
    SPANISH = "spanish"
    SWEDISH = "swedish"


class KnowledgePackQuerySet(models.QuerySet):
    def for_organization(self, organization):
        return self.filter(organization=organization)

    def with_counts(self):
        """Everything one row of the pack list shows, in one query."""
        return self.annotate(document_count=models.Count("documents"))


class KnowledgePack(TimeStamped):
    """A set of documents that agents may answer from."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="knowledge_packs"
    )
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=2000, blank=True)
    language = models.CharField(
        max_length=20, choices=Language, default=Language.ENGLISH
    )
    created_by_user = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = KnowledgePackQuerySet.as_manager()

    class Meta:
        db_table = "knowledge_packs"
        ordering = [Lower("name"), "id"]
        constraints = [
            models.UniqueConstraint(
                "organization", Lower("name"), name="uq_knowledge_packs_name"
            )
        ]

    def __str__(self) -> str:
        return self.name


class DocumentQuerySet(models.QuerySet):
    def for_organization(self, organization):
        return self.filter(organization=organization)


class Document(TimeStamped, Idempotent, LeasedWork):
    """A text in a pack; its status tells whether it is indexed yet."""

    organization_path = "organization"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="documents"
    )
    knowledge_pack = models.ForeignKey(
        KnowledgePack, on_delete=models.CASCADE, related_name="documents"
    )
    title = models.CharField(max_length=500)
    content = models.TextField()
    content_hash = models.CharField(max_length=64, editable=False)
    source_url = models.URLField(max_length=2000, blank=True)
    chunk_count = models.PositiveIntegerField(default=0, editable=False)
    indexed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by_user = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = DocumentQuerySet.as_manager()

    class Meta:
        db_table = "documents"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["knowledge_pack", "content_hash"], name="uq_documents_content"
            ),
            models.UniqueConstraint(
                fields=["organization", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="uq_documents_idempotency_key",
            ),
        ]
        indexes = [
            models.Index(
                fields=["run_after"],
                condition=Q(status__in=["pending", "running"]),
                name="ix_documents_unfinished",
            )
        ]

    def __str__(self) -> str:
        return self.title

    @staticmethod
    def hash_of(content: str) -> str:
        """Return the SHA-256 of a text, white space at the ends aside."""
        return hashlib.sha256(content.strip().encode()).hexdigest()


class Chunk(models.Model):
    """A passage of a document, as search finds it and answers quote it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    document = models.ForeignKey(
        Document, on_delete=models.CASCADE, related_name="chunks", db_index=False
    )
    knowledge_pack = models.ForeignKey(
        KnowledgePack, on_delete=models.CASCADE, related_name="chunks"
    )
    position = models.PositiveIntegerField()
    heading = models.CharField(max_length=500, blank=True)
    text = models.TextField()
    search_vector = SearchVectorField(null=True)
    # Of as many dimensions as its maker gives; a partial index serves each usual size.
    embedding = VectorField(null=True, blank=True)
    embedding_model = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "chunks"
        ordering = ["document", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["document", "position"], name="uq_chunks_position"
            )
        ]
        indexes = [GinIndex(fields=["search_vector"], name="ix_chunks_search")]

    def __str__(self) -> str:
        return f"{self.document_id}:{self.position}"


class VectorIndex(LeasedWork):
    """The vectors of a pack: who made them, how many, and whether all are there."""

    organization_path = "knowledge_pack__organization"

    knowledge_pack = models.OneToOneField(
        KnowledgePack,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="vector_index",
    )
    # Nothing while they are made anew: search then goes by words alone.
    embedding_model = models.CharField(max_length=200, blank=True, default="")
    dimensions = models.PositiveIntegerField(default=0)
    vector_count = models.PositiveIntegerField(default=0)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "vector_indexes"
        indexes = [
            models.Index(
                fields=["run_after"],
                condition=Q(status__in=["pending", "running"]),
                name="ix_vector_indexes_unfinished",
            )
        ]

    def __str__(self) -> str:
        return f"{self.knowledge_pack_id}: {self.embedding_model or self.status}"
