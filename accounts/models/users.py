from collections.abc import Iterable

from django.contrib.auth.models import (
    AbstractBaseUser,
    BaseUserManager,
    Group,
    PermissionsMixin,
)
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.crypto import salted_hmac

from accounts.models.lifecycle import (
    AliveManager,
    SoftDeleted,
    SoftDeleteQuerySet,
    TimeStamped,
    new_id,
)


class AuthProvider(models.TextChoices):
    AZURE_AD = "azure_ad", "Azure AD"
    AWS_COGNITO = "aws_cognito", "Amazon Cognito"
    OIDC = "oidc", "Single sign-on"
    LOCAL = "local", "Email and password"


def validate_names(value: object) -> None:
    """Accept a list of non-empty strings only."""
    if not isinstance(value, list) or not all(
        isinstance(item, str) and item for item in value
    ):
        raise ValidationError("Enter a list of names.")


class UserQuerySet(SoftDeleteQuerySet):
    def has_email(self, email: str) -> bool:
        return self.filter(email=email.strip().lower()).exists()


class UserManager(BaseUserManager.from_queryset(UserQuerySet), AliveManager):
    def get_by_natural_key(self, email):
        return self.get(email=email.strip().lower())

    def create_user(self, email, password=None, **fields):
        if not email:
            raise ValueError("A user needs an email address.")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    @transaction.atomic
    def create_superuser(self, email, password=None, **fields):
        """Create an operator; whoever may do this on the server vouches for them."""
        user = self.create_user(
            email, password, **(fields | {"is_staff": True, "is_superuser": True})
        )
        user.verify_email()
        return user


class User(TimeStamped, SoftDeleted, AbstractBaseUser, PermissionsMixin):
    """A person. The email address is the login, stored in lower case."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=255, blank=True)
    provider = models.CharField(
        max_length=20, choices=AuthProvider, default=AuthProvider.LOCAL
    )
    provider_user_id = models.CharField(max_length=255, blank=True)
    roles = models.JSONField(default=list, blank=True, validators=[validate_names])
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    # Part of the hash every browser session carries: raising it ends them all.
    session_epoch = models.PositiveIntegerField(default=0, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []

    objects = UserManager()
    all_objects = UserQuerySet.as_manager()

    class Meta(SoftDeleted.Meta):
        abstract = False
        db_table = "users"
        indexes = [
            models.Index(fields=["provider"], name="ix_users_provider"),
            models.Index(fields=["provider_user_id"], name="ix_users_provider_user_id"),
            models.Index(fields=["is_active"], name="ix_users_is_active"),
            models.Index(
                fields=["provider", "provider_user_id"], name="ix_users_provider_both"
            ),
            models.Index(fields=["email", "deleted_at"], name="ix_users_email_deleted"),
            models.Index(
                fields=["is_active", "deleted_at"], name="ix_users_active_deleted"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "provider_user_id"],
                condition=models.Q(deleted_at=None),
                name="uq_users_provider_identity",
            ),
            models.CheckConstraint(
                condition=models.Q(provider__in=AuthProvider.values),
                name="ck_users_provider",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def save(self, *args, **kwargs):
        self.email = self.email.strip().lower()
        self.provider_user_id = self.provider_user_id or str(self.pk)
        super().save(*args, **kwargs)

    def clean(self):
        self.email = self.email.strip().lower()

    @property
    def hashed_password(self) -> str | None:
        """The stored hash, or None for those who sign in elsewhere."""
        return self.password if self.password and self.has_usable_password() else None

    @property
    def is_oauth_user(self) -> bool:
        return self.provider != AuthProvider.LOCAL

    @property
    def initials(self) -> str:
        words = (self.name or self.email).replace("@", " ").split()
        return "".join(word[0] for word in words[:2]).upper()

    def get_short_name(self) -> str:
        return (self.name or self.email).split("@")[0].split()[0]

    def has_role(self, role: str) -> bool:
        return role in self.roles

    def has_any_role(self, roles: Iterable[str]) -> bool:
        return not set(roles).isdisjoint(self.roles)

    def has_all_roles(self, roles: Iterable[str]) -> bool:
        return set(roles) <= set(self.roles)

    def add_role(self, role: str) -> None:
        if role not in self.roles:
            self._set_roles([*self.roles, role])

    def remove_role(self, role: str) -> None:
        if role in self.roles:
            self._set_roles([mine for mine in self.roles if mine != role])

    def _set_roles(self, roles: list[str]) -> None:
        validate_names(roles)
        self.roles = roles
        if not self._state.adding:
            self.save(update_fields=["roles", "updated_at"])

    def group_names(self) -> list[str]:
        return sorted(self.groups.values_list("name", flat=True))

    def is_in_group(self, group: str) -> bool:
        return self.groups.filter(name=group).exists()

    def is_in_any_group(self, groups: Iterable[str]) -> bool:
        return self.groups.filter(name__in=list(groups)).exists()

    def add_group(self, group: str) -> None:
        self.groups.add(Group.objects.get_or_create(name=group)[0])

    def remove_group(self, group: str) -> None:
        self.groups.remove(*Group.objects.filter(name=group))

    def has_verified_email(self) -> bool:
        """Say whether this person has shown that the address is theirs."""
        return self.emailaddress_set.filter(email=self.email, verified=True).exists()

    def verify_email(self) -> None:
        """Take the address for theirs: they have shown it, or someone vouches.

        Call it in a transaction.
        """
        addresses = self.emailaddress_set.model.objects
        # What an earlier owner of the address has left behind opens no door to it.
        addresses.filter(email=self.email).exclude(user=self).delete()
        self.emailaddress_set.exclude(email=self.email).delete()
        self.emailaddress_set.update_or_create(
            email=self.email, defaults={"verified": True, "primary": True}
        )

    def end_sessions(self) -> None:
        """Sign this person out in every browser."""
        self.session_epoch += 1
        if not self._state.adding:
            self.save(update_fields=["session_epoch", "updated_at"])

    def activate(self) -> None:
        self._set_active(True)

    def deactivate(self) -> None:
        """Refuse this person everywhere: sign-in, open sessions and API keys."""
        self._set_active(False)

    def soft_delete(self) -> None:
        super().soft_delete()
        self.deactivate()

    def restore(self) -> None:
        super().restore()
        self.activate()

    def _set_active(self, is_active: bool) -> None:
        self.is_active = is_active
        fields = ["is_active", "updated_at"]
        if not is_active:
            self.session_epoch += 1
            fields.append("session_epoch")
        if not self._state.adding:
            self.save(update_fields=fields)

    def session_stamp(self) -> str:
        """Return what changes when every browser is to be forgotten (32 hex digits)."""
        facts = f"{self.pk}:{self.password}:{self.session_epoch}"
        stamp = salted_hmac("accounts.session_stamp", facts, algorithm="sha256")
        return stamp.hexdigest()[:32]

    def _get_session_auth_hash(self, secret=None):
        return salted_hmac(
            "accounts.models.User.session",
            f"{self.password}:{self.session_epoch}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()
