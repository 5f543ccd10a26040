"""What `accounts` itself keeps of people and organizations: give it out, let it go."""

from collections.abc import Iterator

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection, models, transaction

from accounts.audit import log as audit
from accounts.models.api_keys import APIKey
from accounts.models.audit import ERASURE, AuditLog
from accounts.models.browser_sessions import BrowserSession
from accounts.models.invitations import Invitation
from accounts.models.organizations import Membership, Organization
from accounts.models.users import User
from accounts.models.webhooks import WebhookEndpoint
from accounts.privacy.archives import rows_of
from accounts.privacy.registry import Kind, Row, Section, Steps, register

ROWS_AT_ONCE = 500
REPETITION = ("idempotency_key", "request_fingerprint")
KEY_SECRETS = ("key_hash", *REPETITION)
# The tables of sign-in, which other packages keep, and what of them is a secret.
SIGN_IN = {
    "account.EmailAddress": (),
    "socialaccount.SocialAccount": (),
    "mfa.Authenticator": ("data",),
}
# Erases details and returns which rows lost theirs, as ranges. The rows that name
# what was erased keep theirs: nobody is named in them.
FORGET = """
    WITH gone AS (
        DELETE FROM audit_details AS detail USING audit_logs AS log
        WHERE log.id = detail.audit_log_id
            AND log.resource_type <> %(erasure)s AND ({which})
        RETURNING log.organization_id, log.sequence
    ), numbered AS (
        SELECT organization_id, sequence, sequence - row_number() OVER (
            PARTITION BY organization_id ORDER BY sequence
        ) AS island
        FROM gone
    )
    SELECT organization_id, min(sequence), max(sequence)
    FROM numbered GROUP BY organization_id, island
"""
OF_PERSON = """
        log.user_id = %(id)s
        OR (log.resource_type IN ('user', 'membership')
            AND log.resource_id = %(id)s::text)
        OR position(%(email)s::text IN lower(
            detail.changes::text || detail.metadata::text
            || coalesce(detail.request_body::text, '')
        )) > 0
"""
OF_CHAIN = "log.organization_id = %(id)s"


def person_sections(user: User) -> Iterator[Section]:
    """Give out an account: what is known of it, and what was done with it."""
    mine = User.all_objects.filter(pk=user.pk)
    names = {"groups": user.group_names()}
    yield "account", (row | names for row in rows_of(mine, "password", "session_epoch"))
    for label, secrets in SIGN_IN.items():
        if apps.is_installed(f"allauth.{label.partition('.')[0]}"):
            model = apps.get_model(label)
            rows = model._base_manager.filter(user=user)
            yield f"sign_in/{model._meta.model_name}", rows_of(rows, *secrets)
    browsers = BrowserSession.objects.filter(user=user)
    yield "sign_in/browsers", rows_of(browsers, "session_id", "stamp")
    yield "memberships", memberships_of(user)
    yield "api_keys", rows_of(APIKey.all_objects.filter(user=user), *KEY_SECRETS)
    offers = Invitation.objects.filter(email=user.email)
    yield "invitations", rows_of(offers, "token_hash", "invited_by_id")
    yield "activity", activity(AuditLog.objects.filter(user_id=user.pk))


def memberships_of(user: User) -> Iterator[Row]:
    rows = Membership.objects.filter(user=user).order_by("pk")
    yield from rows.values(
        "organization_id", "organization__name", "role", "created_at"
    )


def activity(rows: models.QuerySet) -> Iterator[Row]:
    """Give out what somebody did; what it changed is the organization's."""
    told = rows.order_by("timestamp", "pk").values(
        "timestamp",
        "organization_id",
        "action",
        "resource_type",
        "resource_id",
        "request_method",
        "request_path",
        "detail__ip_address",
        "detail__user_agent",
    )
    yield from told.iterator(chunk_size=ROWS_AT_ONCE)


def forget_person(user: User) -> None:
    """Erase what names a person beside their account and the audit log's details."""
    # What they hold names the address, too.
    Session.objects.filter(browser_session__user=user).delete()
    Invitation.objects.filter(email=user.email).delete()
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=kind, object_id=str(user.pk)).delete()


def organization_sections(organization: Organization) -> Iterator[Section]:
    mine = {"organization": organization}
    whole = Organization.all_objects.filter(pk=organization.pk)
    yield "organization", rows_of(whole)
    yield "members", members_of(organization)
    yield "invitations", rows_of(Invitation.objects.filter(**mine), "token_hash")
    yield "api_keys", rows_of(APIKey.all_objects.filter(**mine), *KEY_SECRETS)
    webhooks = WebhookEndpoint.all_objects.filter(**mine)
    secrets = ("encrypted_secret", "encrypted_previous_secret", *REPETITION)
    yield "webhooks", rows_of(webhooks, *secrets)
    yield "audit_log", record_of(organization)


def members_of(organization: Organization) -> Iterator[Row]:
    rows = organization.memberships.order_by("pk")
    yield from rows.values(
        "user_id", "user__email", "user__name", "role", "created_at"
    ).iterator(chunk_size=ROWS_AT_ONCE)


def record_of(organization: Organization) -> Iterator[Row]:
    """Give out the audit log with what is left of its details."""
    columns = [field.attname for field in AuditLog._meta.concrete_fields]
    details = ("ip_address", "user_agent", "request_body", "changes", "metadata")
    rows = AuditLog.objects.for_organization(organization.pk).order_by("sequence")
    told = rows.values(*columns, *(f"detail__{name}" for name in details))
    yield from told.iterator(chunk_size=ROWS_AT_ONCE)


def forget_organization(organization: Organization) -> None:
    """Erase the details of its record; what else belongs to it goes with its row."""
    _forget(OF_CHAIN, {"id": organization.pk})


def forget_details(user: User, actor: User | None) -> None:
    """Erase the details of every audit row that names a person.

    Call it last: it appends to the chains of all organizations the person was in.
    """
    _forget(OF_PERSON, {"id": user.pk, "email": user.email}, actor)


@transaction.atomic
def _forget(which: str, values: dict, actor: User | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FORGET.format(which=which), values | {"erasure": ERASURE})
        gone = cursor.fetchall()
    audit.record_erasure(gone, subject_id=values["id"], actor=actor)


def register_steps() -> None:
    register(
        Kind.PERSON, "accounts", Steps(export=person_sections, erase=forget_person)
    )
    register(
        Kind.ORGANIZATION,
        "accounts",
        Steps(export=organization_sections, erase=forget_organization),
    )
