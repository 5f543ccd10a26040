"""What people think of conversations: ratings of answers, tags of conversations."""

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower

from accounts.models.lifecycle import OfOrganization, TimeStamped, new_id
from accounts.models.organizations import Organization
from accounts.models.users import User
from agents.models.sessions import Message, Session


class RatingValue(models.TextChoices):
    UP = "up", "Helpful"
    DOWN = "down", "Not helpful"


class Rating(TimeStamped):
    """What one person thinks of an answer; without a user it is the visitor's."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="ratings", db_index=False
    )
    # The message's own, so that conversations are found by their ratings.
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="ratings", db_index=False
    )
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="ratings"
    )
    value = models.CharField(max_length=4, choices=RatingValue)
    comment = models.CharField(max_length=1000, blank=True, default="")

    class Meta:
        db_table = "ratings"
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["message", "user"],
                nulls_distinct=False,
                name="uq_ratings_one_each",
            ),
            models.CheckConstraint(
                condition=Q(value__in=RatingValue.values), name="ck_ratings_value"
            ),
        ]
        indexes = [models.Index(fields=["session", "value"], name="ix_ratings_session")]

    def __str__(self) -> str:
        return f"{self.value} for {self.message_id}"


class TagQuerySet(OfOrganization):
    def named(self, name: str):
        """Find a tag by its name, whatever its letters' case."""
        # Both lowered by the database, whose index compares them.
        return self.alias(lower_name=Lower("name")).filter(
            lower_name=Lower(Value(name))
        )


class Tag(models.Model):
    """A name an organization files its conversations under."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="tags", db_index=False
    )
    name = models.CharField(max_length=50)
    sessions = models.ManyToManyField(
        Session, blank=True, related_name="tags", db_table="session_tags"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TagQuerySet.as_manager()

    class Meta:
        db_table = "tags"
        ordering = [Lower("name"), "id"]
        constraints = [
            models.UniqueConstraint("organization", Lower("name"), name="uq_tags_name"),
            models.CheckConstraint(condition=~Q(name=""), name="ck_tags_name"),
        ]

    def __str__(self) -> str:
        return self.name
