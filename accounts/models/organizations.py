from django.db import connections, models
from django.db.models.functions import Lower

from accounts import cache
from accounts.errors import NotFound
from accounts.insertion import Beside
from accounts.models.lifecycle import (
    AliveManager,
    SoftDeleted,
    SoftDeleteQuerySet,
    TimeStamped,
)
from accounts.models.users import User

UNLIMITED = -1


class Plan(models.TextChoices):
    FREE = "free"
    PRO = "pro"
    ENTERPRISE = "enterprise"


# What each plan starts with; an operator may change any figure per organization.
PLAN_LIMITS = {
    Plan.FREE: {
        "max_agents": 3,
        "max_members": 3,
        "max_documents": 100,
        "max_messages_per_month": 1_000,
        "max_tokens_per_month": 500_000,
    },
    Plan.PRO: {
        "max_agents": 50,
        "max_members": 25,
        "max_documents": 5_000,
        "max_messages_per_month": 50_000,
        "max_tokens_per_month": 50_000_000,
    },
    Plan.ENTERPRISE: {
        "max_agents": UNLIMITED,
        "max_members": UNLIMITED,
        "max_documents": UNLIMITED,
        "max_messages_per_month": UNLIMITED,
        "max_tokens_per_month": UNLIMITED,
    },
}


class OrganizationQuerySet(SoftDeleteQuerySet):
    def of_user(self, user: User):
        return self.filter(memberships__user=user)

    def locked(self, pk: int) -> "Organization":
        """Lock one living organization until the transaction ends; raise NotFound.

        Plain SQL: every creation waits here, and behind it those that come after.
        """
        names = [
            field.attname
            for field in Organization._meta.concrete_fields
            if field.attname not in ("settings", "erased_at")  # load if somebody asks
        ]
        sql = f"""
            SELECT {", ".join(names)} FROM organizations
            WHERE id = %s AND deleted_at IS NULL FOR NO KEY UPDATE
        """  # noqa: S608 - the column names are our own
        with connections[self.db].cursor() as cursor:
            cursor.execute(sql, [pk])
            row = cursor.fetchone()
        if row is None:
            raise NotFound
        return Organization.from_db(self.db, names, row)


class OrganizationManager(
    models.Manager.from_queryset(OrganizationQuerySet), AliveManager
):
    pass


class Organization(TimeStamped, SoftDeleted):
    """A customer: everything else belongs to one. Limits of -1 mean unlimited."""

    name = models.CharField(max_length=255)
    plan = models.CharField(max_length=20, choices=Plan, default=Plan.FREE)
    # Living agents, moved under the row's lock by creation, delete and restore.
    agent_count = models.PositiveIntegerField(default=0, editable=False)
    max_agents = models.IntegerField()
    max_members = models.IntegerField()
    max_documents = models.IntegerField()
    max_messages_per_month = models.IntegerField()
    max_tokens_per_month = models.BigIntegerField()
    settings = models.JSONField(default=dict, blank=True)
    # When its rows began to be erased: from then on it cannot come back.
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Whether any webhook listens, moved under the row's lock with the webhooks.
    has_webhooks = models.BooleanField(default=False, db_default=False, editable=False)
    members = models.ManyToManyField(
        User, through="Membership", related_name="organizations"
    )

    objects = OrganizationManager()
    all_objects = OrganizationQuerySet.as_manager()

    class Meta(SoftDeleted.Meta):
        abstract = False
        db_table = "organizations"
        ordering = [Lower("name"), "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    max_agents__gte=UNLIMITED,
                    max_members__gte=UNLIMITED,
                    max_documents__gte=UNLIMITED,
                    max_messages_per_month__gte=UNLIMITED,
                    max_tokens_per_month__gte=UNLIMITED,
                ),
                name="ck_organizations_limits",
            ),
            models.CheckConstraint(
                condition=models.Q(plan__in=Plan.values), name="ck_organizations_plan"
            ),
        ]

    def __init__(self, *args, **kwargs):
        if not args:
            limits = PLAN_LIMITS.get(kwargs.get("plan", Plan.FREE), {})
            kwargs = limits | kwargs
        super().__init__(*args, **kwargs)

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs):
        super().save(*args, **kwargs)
        cache.forget("organization", self.pk)

    def delete(self, *args, **kwargs):
        cache.forget("organization", self.pk)
        return super().delete(*args, **kwargs)

    def one_more_agent(self) -> Beside:
        """Raise the counter of living agents; only under the row's lock."""
        self.agent_count += 1
        return Beside(
            "UPDATE organizations SET agent_count = agent_count + 1"
            " WHERE id = %s RETURNING id",
            (self.pk,),
        )

    def is_owned_only_by(self, user: User) -> bool:
        """Whether it would have no owner without this one."""
        owners = self.memberships.filter(role=Role.OWNER)
        others = self.memberships.owners().exclude(user=user)
        return owners.filter(user=user).exists() and not others.exists()

    @property
    def has_room_for_an_agent(self) -> bool:
        return self.max_agents == UNLIMITED or self.agent_count < self.max_agents


class Role(models.TextChoices):
    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


class MembershipQuerySet(models.QuerySet):
    def with_users(self):
        """Everything one row of the member list shows, in one query."""
        return self.select_related("user").order_by(Lower("user__email"))

    def owners(self):
        """Memberships of those who can act as owners now."""
        return self.filter(role=Role.OWNER, user__is_active=True, user__deleted_at=None)

    def living_of(self, user: User):
        """Somebody's memberships in living organizations, by name."""
        return (
            self.filter(user=user, organization__deleted_at=None)
            .select_related("organization")
            .order_by(Lower("organization__name"), "pk")
        )

    def restorable_by(self, user: User):
        """What somebody owns of the organizations that are deleted, newest first."""
        return (
            self.filter(
                user=user,
                role=Role.OWNER,
                organization__deleted_at__isnull=False,
                organization__erased_at=None,
            )
            .select_related("organization")
            .order_by("-organization__deleted_at")
        )


class Membership(TimeStamped):
    """A person's role in an organization."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        db_table = "memberships"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user"], name="uq_memberships_once"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="ck_memberships_role"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.organization}"

    def save(self, *args, **kwargs):
        super().save(*args, **kwargs)
        cache.forget("memberships", self.user_id)

    def delete(self, *args, **kwargs):
        cache.forget("memberships", self.user_id)
        return super().delete(*args, **kwargs)
