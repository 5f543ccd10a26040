import secrets

import factory
from factory.django import DjangoModelFactory

from accounts.access.api_keys import create_api_key
from accounts.models import Membership, Organization, Plan, Role, Scope, User

PASSWORD = "a long enough passphrase"


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    name = factory.Sequence(lambda n: f"Person {n}")

    @factory.post_generation
    def verified(self, create, is_verified):
        if create and is_verified is not False:
            # What `verify_email` comes to for a person who is new.
            self.emailaddress_set.create(email=self.email, verified=True, primary=True)


def new_address() -> str:
    """Return an internet address nobody has tried from: the counters outlive a test."""
    parts = [secrets.token_hex(2) for _ in range(3)]
    return f"2001:db8:{':'.join(parts)}::1"


def person_who_signs_in(**fields) -> User:
    """Return somebody with a password, at an address nobody has tried before.

    Sign-in is limited by address, and the counters outlive a test.
    """
    fields.setdefault("email", f"mara-{secrets.token_hex(6)}@example.com")
    user = UserFactory(**fields)
    user.set_password(PASSWORD)
    user.save()
    return user


class OrganizationFactory(DjangoModelFactory):
    class Meta:
        model = Organization

    name = factory.Sequence(lambda n: f"Organization {n}")
    plan = Plan.PRO


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    organization = factory.SubFactory(OrganizationFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.OWNER


def make_key(membership: Membership, **fields) -> str:
    """Return the raw key of a new API key; it may do everything its owner may."""
    from accounts.access.permissions import may

    fields.setdefault(
        "scopes", [scope for scope in Scope.offered() if may(membership.role, scope)]
    )
    return create_api_key(
        user=membership.user,
        organization=membership.organization,
        name=fields.pop("name", "Test key"),
        **fields,
    )[1]


class OperatorFactory(UserFactory):
    """A superuser, whom the operators' site lets in."""

    is_staff = True
    is_superuser = True


def make_webhook(membership: Membership, url: str, **fields):
    """Return a webhook endpoint that hears everything, and its secret."""
    from accounts.models import WebhookEvent
    from accounts.webhooks.endpoints import create_endpoint

    fields.setdefault("events", WebhookEvent.values)
    return create_endpoint(
        organization=membership.organization, actor=membership.user, url=url, **fields
    )
