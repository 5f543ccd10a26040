"""Sites that are read into a pack: where they begin, and each of their pages."""

from datetime import timedelta

from django.db import models
from django.db.models import Count, Q

from accounts.models.lifecycle import (
    Idempotent,
    LeasedWork,
    OfOrganization,
    TimeStamped,
    new_id,
    unfinished,
)
from accounts.models.organizations import Organization
from accounts.models.users import User
from agents.models.knowledge import Document, KnowledgePack


class Recrawl(models.TextChoices):
    NEVER = "never", "Only when asked"
    DAILY = "daily", "Every day"
    WEEKLY = "weekly", "Every week"
    MONTHLY = "monthly", "Every month"

    @property
    def interval(self) -> timedelta | None:
        days = {"daily": 1, "weekly": 7, "monthly": 30}.get(self.value)
        return timedelta(days=days) if days else None


class PageState(models.TextChoices):
    WAITING = "waiting"
    READ = "read"
    # A list of pages, or a page that leads on and says nothing itself.
    FOLLOWED = "followed"
    SKIPPED = "skipped"
    FAILED = "failed"
    GONE = "gone", "No longer there"
    # Its document was deleted by a person: it does not come back.
    LEFT_OUT = "left_out", "Left out"


def number_of(state: PageState) -> Count:
    return Count("pages", filter=Q(pages__state=state))


class KnowledgeSourceQuerySet(OfOrganization):
    def with_counts(self):
        """Everything one row of the list of sites shows, in one query."""
        return self.annotate(
            page_count=Count("pages"),
            waiting_count=number_of(PageState.WAITING),
            read_count=number_of(PageState.READ),
            skipped_count=number_of(PageState.SKIPPED),
            failed_count=number_of(PageState.FAILED),
            gone_count=number_of(PageState.GONE),
        )


class KnowledgeSource(TimeStamped, Idempotent, LeasedWork):
    """An address whose site is read page by page; its status is that of the crawl."""

    task, queue = "agents.tasks.crawl_source", "io"
    most_at_once = 2
    organization_path = "organization"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="knowledge_sources"
    )
    knowledge_pack = models.ForeignKey(
        KnowledgePack, on_delete=models.CASCADE, related_name="sources"
    )
    url = models.CharField(max_length=2000)
    max_pages = models.PositiveIntegerField(default=100)
    # How many links away from the address; nothing of a sitemap's pages is followed.
    max_depth = models.PositiveSmallIntegerField(default=2)
    recrawl = models.CharField(max_length=10, choices=Recrawl, default=Recrawl.NEVER)
    next_crawl_at = models.DateTimeField(null=True, blank=True, editable=False)
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    # What there is to say about the crawl, in words for its owner.
    cause = models.CharField(max_length=500, blank=True, default="", editable=False)
    created_by_user = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = KnowledgeSourceQuerySet.as_manager()

    class Meta:
        db_table = "knowledge_sources"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["knowledge_pack", "url"], name="uq_knowledge_sources_url"
            ),
            models.UniqueConstraint(
                fields=["organization", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="uq_knowledge_sources_idempotency_key",
            ),
            models.CheckConstraint(
                condition=Q(max_pages__gte=1), name="ck_knowledge_sources_max_pages"
            ),
        ]
        indexes = [
            unfinished("ix_sources_unfinished"),
            models.Index(
                fields=["next_crawl_at"],
                condition=Q(next_crawl_at__isnull=False),
                name="ix_sources_next_crawl",
            ),
        ]

    def __str__(self) -> str:
        return self.url


class SourcePageQuerySet(models.QuerySet):
    def counted_by_state(self) -> dict[str, int]:
        counted = self.order_by().values_list("state").annotate(Count("pk"))
        return {str(state): number for state, number in counted}


class SourcePage(models.Model):
    """A page of a site: what became of it when it was last looked at."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    source = models.ForeignKey(
        KnowledgeSource, on_delete=models.CASCADE, related_name="pages"
    )
    url = models.CharField(max_length=2000)
    depth = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(
        max_length=10, choices=PageState, default=PageState.WAITING
    )
    cause = models.CharField(max_length=500, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=0)
    # What the server gave to ask by whether it has changed.
    etag = models.CharField(max_length=500, blank=True, default="")
    last_modified = models.CharField(max_length=100, blank=True, default="")
    document = models.OneToOneField(
        Document, null=True, on_delete=models.SET_NULL, related_name="source_page"
    )
    checked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SourcePageQuerySet.as_manager()

    class Meta:
        db_table = "source_pages"
        ordering = ["depth", "created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "url"], name="uq_source_pages_url"
            )
        ]
        indexes = [
            models.Index(
                fields=["source", "depth", "created_at", "id"],
                condition=Q(state="waiting"),
                name="ix_source_pages_waiting",
            )
        ]

    def __str__(self) -> str:
        return self.url
