import hashlib

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower
from pgvector.django import VectorField

from accounts.models.lifecycle import (
    Idempotent,
    LeasedWork,
    OfOrganization,
    TimeStamped,
    WorkStatus,
    new_id,
    unfinished,
)
from accounts.models.organizations import Organization
from accounts.models.users import User


class Language(models.TextChoices):
    """What a pack may be written in; each is split into words, `STEMMED` also bent."""

    SIMPLE = "simple", "Any language"
    AFRIKAANS = "afrikaans"
    ALBANIAN = "albanian"
    ARABIC = "arabic"
    ARMENIAN = "armenian"
    BASQUE = "basque"
    BELARUSIAN = "belarusian"
    BENGALI = "bengali"
    BULGARIAN = "bulgarian"
    BURMESE = "burmese"
    CATALAN = "catalan"
    CHINESE = "chinese"
    CROATIAN = "croatian"
    CZECH = "czech"
    DANISH = "danish"
    DUTCH = "dutch"
    ENGLISH = "english"
    ESTONIAN = "estonian"
    FILIPINO = "filipino"
    FINNISH = "finnish"
    FRENCH = "french"
    GEORGIAN = "georgian"
    GERMAN = "german"
    GREEK = "greek"
    HEBREW = "hebrew"
    HINDI = "hindi"
    HUNGARIAN = "hungarian"
    ICELANDIC = "icelandic"
    INDONESIAN = "indonesian"
    IRISH = "irish"
    ITALIAN = "italian"
    JAPANESE = "japanese"
    KHMER = "khmer"
    KOREAN = "korean"
    LAO = "lao"
    LATVIAN = "latvian"
    LITHUANIAN = "lithuanian"
    MALAY = "malay"
    NEPALI = "nepali"
    NORWEGIAN = "norwegian"
    PERSIAN = "persian"
    POLISH = "polish"
    PORTUGUESE = "portuguese"
    ROMANIAN = "romanian"
    RUSSIAN = "russian"
    SERBIAN = "serbian"
    SLOVAK = "slovak"
    SLOVENIAN = "slovenian"
    SPANISH = "spanish"
    SWAHILI = "swahili"
    SWEDISH = "swedish"
    TAMIL = "tamil"
    THAI = "thai"
    TURKISH = "turkish"
    UKRAINIAN = "ukrainian"
    URDU = "urdu"
    VIETNAMESE = "vietnamese"
    YIDDISH = "yiddish"


# Those that PostgreSQL has a stemmer for, `<language>_stem`.
STEMMED = frozenset(
    """
    arabic armenian basque catalan danish dutch english estonian finnish french german
    greek hindi hungarian indonesian irish italian lithuanian nepali norwegian
    portuguese romanian russian serbian spanish swedish tamil turkish yiddish
    """.split()
)
# Grows when passages or their words are made in another way: what has a smaller one
# is then indexed anew, by and by.
INDEX_VERSION = 3
# The first whose words no locale of the database had a say in.
WORDS_VERSION = 2


def current_index_version() -> int:
    """Return the way passages are made now, for a pack that has none yet."""
    return INDEX_VERSION


class VectorStoreStatus(models.TextChoices):
    """How far a pack is on its way to be searched."""

    NONE = "none", "Nothing in it"
    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


class DocumentOrigin(models.TextChoices):
    TEXT = "text", "Pasted"
    FILE = "file", "Uploaded"
    PAGE = "page", "Read from a site"


class KnowledgePackQuerySet(OfOrganization):
    def outdated(self):
        """Packs with passages of former days, but those whose renewal failed."""
        failed = Q(renewal__status=WorkStatus.FAILED, renewal__version=INDEX_VERSION)
        living = self.filter(organization__deleted_at=None)
        return living.filter(index_version__lt=INDEX_VERSION).exclude(failed)

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
    # The way all its passages were made.
    index_version = models.PositiveSmallIntegerField(
        default=current_index_version, db_default=0, editable=False
    )
    # Kept by agents.knowledge.readiness, so that a list of agents may show it.
    vector_store_status = models.CharField(
        max_length=10,
        choices=VectorStoreStatus,
        default=VectorStoreStatus.NONE,
        db_default=VectorStoreStatus.NONE,
        editable=False,
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


class DocumentQuerySet(OfOrganization):
    def unfinished(self):
        """Documents that wait for their index or are just getting it."""
        return self.filter(status__in=[WorkStatus.PENDING, WorkStatus.RUNNING])

    def outdated(self):
        """Documents whose passages were made in a way of former days."""
        return self.filter(status=WorkStatus.DONE, index_version__lt=INDEX_VERSION)


class Document(TimeStamped, Idempotent, LeasedWork):
    """A text in a pack; its status tells whether it is indexed yet."""

    task, queue = "agents.tasks.index_document", "work"
    most_at_once, is_heavy = 1, ~Q(file_hash="")
    organization_path = "organization"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="documents"
    )
    knowledge_pack = models.ForeignKey(
        KnowledgePack, on_delete=models.CASCADE, related_name="documents"
    )
    title = models.CharField(max_length=500)
    origin = models.CharField(
        max_length=10,
        choices=DocumentOrigin,
        default=DocumentOrigin.TEXT,
        db_default=DocumentOrigin.TEXT,
        editable=False,
    )
    # Of a file nothing until it is read; its hash is then that of the file.
    content = models.TextField()
    content_hash = models.CharField(max_length=64, editable=False)
    source_url = models.URLField(max_length=2000, blank=True)
    # Of a file as it came: what it is by its content, its name, its size.
    media_type = models.CharField(
        max_length=100, blank=True, default="", db_default="", editable=False
    )
    file_name = models.CharField(
        max_length=255, blank=True, default="", db_default="", editable=False
    )
    byte_size = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    file_hash = models.CharField(
        max_length=64, blank=True, default="", db_default="", editable=False
    )
    # Why it failed, in words for whoever added it; `last_error` is for operators.
    cause = models.CharField(
        max_length=500, blank=True, default="", db_default="", editable=False
    )
    # What the file or the page holds besides its text, in a few words each.
    left_out = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        blank=True,
        editable=False,
    )
    # Of a page that its site no longer has.
    missing_since = models.DateTimeField(null=True, blank=True, editable=False)
    chunk_count = models.PositiveIntegerField(default=0, editable=False)
    indexed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The way its passages were made; nothing before there are any.
    index_version = models.PositiveSmallIntegerField(
        default=0, db_default=0, editable=False
    )
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
            models.UniqueConstraint(
                fields=["knowledge_pack", "file_hash"],
                condition=~Q(file_hash=""),
                name="uq_documents_file",
            ),
            models.CheckConstraint(
                condition=~Q(content="") | ~Q(status="done"),
                name="ck_documents_read",
            ),
        ]
        indexes = [
            unfinished("ix_documents_unfinished"),
            models.Index(
                fields=["knowledge_pack", "index_version"], name="ix_documents_version"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @staticmethod
    def hash_of(content: str) -> str:
        """Return the SHA-256 of a text, white space at the ends aside."""
        return hashlib.sha256(content.strip().encode()).hexdigest()


class DocumentFile(models.Model):
    """A file as it was uploaded; it goes with its document."""

    document = models.OneToOneField(
        Document, primary_key=True, on_delete=models.CASCADE, related_name="file"
    )
    content = models.BinaryField()

    class Meta:
        db_table = "document_files"

    def __str__(self) -> str:
        return str(self.document_id)


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


class RenewalQuerySet(models.QuerySet):
    def unfinished(self):
        return self.filter(status__in=[WorkStatus.PENDING, WorkStatus.RUNNING])

    def ended(self):
        return self.filter(status__in=[WorkStatus.DONE, WorkStatus.FAILED])


class Renewal(LeasedWork):
    """A pack's way from passages of former days to those of `version`."""

    task, queue = "agents.tasks.renew_pack", "work"
    organization_path = "knowledge_pack__organization"

    knowledge_pack = models.OneToOneField(
        KnowledgePack,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="renewal",
    )
    version = models.PositiveSmallIntegerField()

    objects = RenewalQuerySet.as_manager()

    class Meta:
        db_table = "knowledge_renewals"
        indexes = [unfinished("ix_renewals_unfinished")]

    def __str__(self) -> str:
        return f"{self.knowledge_pack_id}: {self.version}"


class VectorIndex(LeasedWork):
    """The vectors of a pack: who made them, how many, and whether all are there."""

    task, queue = "agents.tasks.embed_pack", "work"
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
        indexes = [unfinished("ix_vector_indexes_unfinished")]

    def __str__(self) -> str:
        return f"{self.knowledge_pack_id}: {self.embedding_model or self.status}"
