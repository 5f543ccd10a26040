"""API keys: `ya_live_`, 30 base62 characters, and 6 that hold their CRC32."""

import hashlib
import re
import secrets
import string
import zlib
from datetime import timedelta
from functools import cache

from django.contrib.postgres.fields import ArrayField
from django.db import connections, models
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models.lifecycle import (
    AliveManager,
    Idempotent,
    SoftDeleted,
    SoftDeleteQuerySet,
    TimeStamped,
    new_id,
)
from accounts.models.organizations import Organization
from accounts.models.users import User

PREFIX = "ya_live_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
SHAPE = re.compile(rf"{PREFIX}([0-9A-Za-z]{{30}})([0-9A-Za-z]{{6}})", re.ASCII)
LAST_USED_STEP = timedelta(minutes=1)


class Scope(models.TextChoices):
    AGENTS_READ = "agents:read"
    AGENTS_WRITE = "agents:write"
    KNOWLEDGE_WRITE = "knowledge:write"
    METRICS_READ = "metrics:read"
    METRICS_WRITE = "metrics:write"
    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    WIDGET_SESSIONS = "widget:sessions"
    CHAT = "chat"
    ADMIN = "admin"

    @classmethod
    def offered(cls) -> list["Scope"]:
        """Return those a new key may get; keys keep a scope that opens nothing yet."""
        return [scope for scope in cls if scope != cls.WIDGET_SESSIONS]


class RateLimitTier(models.TextChoices):
    FREE = "free", "Free: 100 requests an hour"
    PRO = "pro", "Pro: 1,000 requests an hour"
    ENTERPRISE = "enterprise", "Enterprise: 10,000 requests an hour"


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, rest = divmod(number, len(ALPHABET))
        digits = ALPHABET[rest] + digits
    return digits


def generate_key() -> str:
    """Return a new raw key with about 178 bits of chance."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(30))
    return f"{PREFIX}{body}{_checksum(body)}"


def is_well_formed(raw: str) -> bool:
    """Tell a mistyped key from a real one without asking the database."""
    match = SHAPE.fullmatch(raw)
    return match is not None and secrets.compare_digest(_checksum(match[1]), match[2])


def hash_key(raw: str) -> str:
    """Return the SHA-256 as 64 hex digits; enough for a key of full entropy."""
    return hashlib.sha256(raw.encode()).hexdigest()


class APIKeyQuerySet(SoftDeleteQuerySet):
    def for_organization(self, organization):
        """The organization's keys, each with its owner."""
        return self.filter(organization=organization).select_related("user")

    def usable(self):
        """Keys that open something now: neither revoked nor expired, their owner in."""
        is_unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=Now())
        return self.alive().filter(
            is_unexpired,
            user__is_active=True,
            user__deleted_at=None,
            organization__deleted_at=None,
            user__memberships__organization=models.F("organization"),
        )

    def known_as(self, raw: str) -> "APIKey | None":
        """Return the key that a raw one is or was, usable or not."""
        if not is_well_formed(raw):
            return None
        return self.filter(key_hash=hash_key(raw)).first()

    def for_raw(self, raw: str) -> "APIKey | None":
        """Return the usable key with user, organization and the owner's role."""
        if not is_well_formed(raw):
            return None
        with connections[self.db].cursor() as cursor:
            cursor.execute(_usable_key_sql(), [hash_key(raw)])
            row = cursor.fetchone()
        return _key_from(self.db, row) if row else None


# Every request of a program asks this; as plain SQL it costs half of what the
# same queryset does. What requests hardly ever need stays behind, and loads if
# somebody asks.
LEFT_BEHIND = {
    "api_keys": {"name", "key_hash", "key_prefix", "last_four"}
    | {"idempotency_key", "request_fingerprint", "created_at", "updated_at"},
    "users": {"password", "last_login", "provider", "provider_user_id", "roles"}
    | {"created_at", "updated_at"},
    "organizations": {"settings", "erased_at", "created_at", "updated_at"},
}


def _fields(model: type[models.Model]) -> list[str]:
    """Name the columns to read, in the order `from_db` expects."""
    names = [field.attname for field in model._meta.concrete_fields]
    left_behind = LEFT_BEHIND[model._meta.db_table]
    return [name for name in names if name not in left_behind]


@cache
def _usable_key_sql() -> str:
    columns = ", ".join(
        f"{table}.{name}"
        for table, model in (("k", APIKey), ("u", User), ("o", Organization))
        for name in _fields(model)
    )
    return f"""
        SELECT {columns}, m.role
        FROM api_keys k
        JOIN users u ON u.id = k.user_id
        JOIN organizations o ON o.id = k.organization_id
        JOIN memberships m
            ON m.user_id = k.user_id AND m.organization_id = k.organization_id
        WHERE k.key_hash = %s
            AND k.deleted_at IS NULL
            AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
            AND u.is_active AND u.deleted_at IS NULL
            AND o.deleted_at IS NULL
    """  # noqa: S608 - the column names are our own


def _key_from(db: str, row: tuple) -> "APIKey":
    *values, role = row
    found = []
    for model in (APIKey, User, Organization):
        names = _fields(model)
        found.append(model.from_db(db, names, values[: len(names)]))
        del values[: len(names)]
    key, key.user, key.organization = found
    key.owner_role = role
    return key


class APIKeyManager(models.Manager.from_queryset(APIKeyQuerySet), AliveManager):
    pass


class APIKey(TimeStamped, SoftDeleted, Idempotent):
    """A key to the API. Only its hash is stored; it dies with its owner."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="api_keys", db_index=False
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="api_keys"
    )
    name = models.CharField(max_length=100)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    key_prefix = models.CharField(max_length=16, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    scopes = ArrayField(models.CharField(max_length=30, choices=Scope), default=list)
    rate_limit_tier = models.CharField(
        max_length=20, choices=RateLimitTier, default=RateLimitTier.FREE
    )
    agent_public_id = models.UUIDField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = APIKeyManager()
    all_objects = APIKeyQuerySet.as_manager()

    class Meta(SoftDeleted.Meta):
        abstract = False
        db_table = "api_keys"
        verbose_name = "API key"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["user"], name="ix_api_keys_user_id"),
            models.Index(fields=["key_prefix"], name="ix_api_keys_key_prefix"),
            models.Index(fields=["expires_at"], name="ix_api_keys_expires_at"),
            models.Index(
                fields=["user", "deleted_at"], name="ix_api_keys_user_deleted"
            ),
            models.Index(
                fields=["key_hash", "deleted_at"], name="ix_api_keys_hash_deleted"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "idempotency_key"],
                condition=models.Q(idempotency_key__isnull=False),
                name="uq_api_keys_idempotency_key",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.key_prefix}…{self.last_four})"

    @property
    def is_active(self) -> bool:
        return not self.is_deleted and not self.is_expired

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def shown_scopes(self) -> list[tuple[str, bool]]:
        """Each scope, and whether it opens anything yet."""
        return [(scope, scope in Scope.offered()) for scope in self.scopes]

    def has_scope(self, scope: str) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def note_use(self) -> None:
        """Remember the use, at most once a minute."""
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at >= LAST_USED_STEP:
            self.last_used_at = now
            with connections[self._state.db].cursor() as cursor:
                cursor.execute(
                    "UPDATE api_keys SET last_used_at = %s WHERE id = %s",
                    [now, self.pk],
                )
