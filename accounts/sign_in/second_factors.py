"""The second step of signing in: what counts as one, and how its secrets are kept.

Nothing here loads the library that speaks with passkeys: most processes never do.
"""

import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from allauth.account.internal.flows.login import (
    get_authentication_records,
    record_authentication,
)
from allauth.account.stages import LoginStage
from allauth.mfa import app_settings as settings_of_mfa
from allauth.mfa import signals
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_save
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse

from accounts import encryption
from accounts.audit import log as audit
from accounts.errors import NotFound
from accounts.models.audit import AuditAction
from accounts.models.users import User

Type = Authenticator.Type
# Recovery codes are no factor of their own: they stand in for one of these.
FACTORS = [Type.TOTP, Type.WEBAUTHN]


class FactorAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "That is not right. Try again.",
        "unverified_email": "Confirm your address first.",
    }

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return encryption.decrypt(encrypted_text)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        entity = super().get_public_key_credential_rp_entity()
        host = urlsplit(settings.PUBLIC_BASE_URL).hostname or ""
        # A passkey belongs to a name; at a bare address there is only the request's.
        if not _is_address(host):
            entity["id"] = host
        return entity | {"name": "YourAgent"}

    def generate_authenticator_name(self, user, type) -> str:
        used = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return f"Passkey {used + 1}"


class SecondFactorStage(LoginStage):
    """Ask for the second step of those who have one."""

    key = "mfa_authenticate"
    urlname = "mfa_authenticate"

    def handle(self):
        if not has_factor(self.login.user) or self._is_done():
            return None, True
        self.state["authentication_required"] = True
        return redirect("mfa_authenticate"), True

    def _is_done(self) -> bool:
        """Say whether it was a passkey, which is both steps at once."""
        return any(
            record.get("method") == "mfa" and record.get("passwordless")
            for record in get_authentication_records(self.request, self.login.user)
        )


def has_factor(user: User) -> bool:
    return Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists()


def where_to_show(user: User) -> str:
    """Return the address where somebody shows their second step once more."""
    has_app = Authenticator.objects.filter(user_id=user.pk, type=Type.TOTP).exists()
    return reverse("mfa_reauthenticate" if has_app else "mfa_reauthenticate_webauthn")


def was_used(request: HttpRequest) -> bool:
    """Say whether this session was opened, or confirmed since, by a second step."""
    records = get_authentication_records(request, request.user)
    return any(record.get("method") == "mfa" for record in records)


@dataclass(frozen=True)
class Overview:
    """A person's factors, as their page shows them."""

    app: Authenticator | None
    passkeys: list[Authenticator]
    codes_left: int | None

    @property
    def has_any(self) -> bool:
        return self.app is not None or bool(self.passkeys)


def overview_of(user: User) -> Overview:
    """Return what somebody's second step is made of, in one query."""
    mine = list(Authenticator.objects.filter(user=user).order_by("created_at"))
    only = {each.type: each for each in mine}
    codes = only.get(Type.RECOVERY_CODES)
    passkeys = [each for each in mine if each.type == Type.WEBAUTHN]
    for passkey in passkeys:
        result = passkey.data["credential"].get("clientExtensionResults", {})
        passkey.opens_alone = bool(result.get("credProps", {}).get("rk"))
        passkey.name = passkey.data["name"]
    left = (
        codes
        and settings_of_mfa.RECOVERY_CODE_COUNT - codes.data["used_mask"].bit_count()
    )
    return Overview(only.get(Type.TOTP), passkeys, left)


def accept_code(user: User, code: str) -> Authenticator | None:
    """Return whose code it is: the app's or a recovery code. Either counts once."""
    with transaction.atomic():
        mine = {
            each.type: each
            for each in Authenticator.objects.select_for_update().filter(user=user)
        }
        app, codes = mine.get(Type.TOTP), mine.get(Type.RECOVERY_CODES)
        if app is not None and _accept_totp(app, code):
            return app
        if codes is not None and codes.wrap().validate_code(code):
            return codes
    return None


def _accept_totp(app: Authenticator, code: str) -> bool:
    """Accept a code of this half minute or its neighbours, and none before the last."""
    secret = encryption.decrypt(app.data["secret"])
    given = "".join(code.split()).encode()
    for counter in totp.yield_hotp_counters_from_time():
        right = totp.format_hotp_value(totp.hotp_value(secret, counter)).encode()
        if hmac.compare_digest(right, given):
            if counter <= app.data.get("last_counter", 0):
                return False
            app.data["last_counter"] = counter
            app.save(update_fields=["data"])
            return True
    return False


@transaction.atomic
def remove_factors(*, user: User, actor: User) -> None:
    """Take a person's second step away, who has lost it. Raises NotFound."""
    factors = Authenticator.objects.filter(user=user)
    types = sorted(set(factors.values_list("type", flat=True)))
    if not types:
        raise NotFound("There is no second step to remove.")
    factors.delete()
    user.end_sessions()
    audit.record(
        action=AuditAction.DELETE,
        resource_type="authenticator",
        resource_id=user.pk,
        actor=actor,
        changes={"type": {"old": types, "new": None}},
        metadata={"operator": True},
    )


def watch() -> None:
    """Record what is done to factors in the transaction that does it."""
    post_save.connect(_saved, sender=Authenticator, dispatch_uid="accounts.factor")
    signals.authenticator_removed.connect(
        _removed, dispatch_uid="accounts.factor_removed"
    )
    signals.authenticator_added.connect(_added, dispatch_uid="accounts.factor_added")


def _saved(sender, instance, created, update_fields, **kwargs) -> None:
    if created:
        _record(AuditAction.CREATE, instance, None, str(instance.type))
    elif update_fields is None and instance.type == Type.RECOVERY_CODES:
        _record(AuditAction.EXECUTE, instance, "recovery_code", None)
    elif update_fields is None:
        _record(AuditAction.UPDATE, instance, None, instance.data.get("name"))


def _added(sender, request, user, authenticator, **kwargs) -> None:
    """Take the session for opened by it, too: it was shown a moment ago."""
    if authenticator.type in FACTORS:
        record_authentication(request, user, "mfa", type=str(authenticator.type))


def _removed(sender, authenticator, **kwargs) -> None:
    _record(AuditAction.DELETE, authenticator, str(authenticator.type), None)


def _record(action: AuditAction, factor: Authenticator, old, new) -> None:
    audit.record(
        action=action,
        resource_type="authenticator",
        resource_id=factor.pk or "",
        actor=factor.user,
        changes={"factor": {"old": old, "new": new}},
    )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
