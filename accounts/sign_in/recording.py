"""Record sign-ins, and changes of how one signs in, in the audit log."""

from allauth.account import signals as account_signals
from allauth.socialaccount import signals as provider_signals
from django.contrib.auth.signals import (
    user_logged_in,
    user_logged_out,
    user_login_failed,
)

from accounts.audit import log as audit
from accounts.models.audit import AuditAction
from accounts.models.users import AuthProvider
from accounts.sign_in import browser_sessions
from accounts.sign_in.identities import KINDS

# The name somebody tried is personal, and may be a mistyped password.
SHOWN = 3
# A form that was wrong is shown once more.
SHOWN_AGAIN = 200


def watch() -> None:
    """Listen to what the framework says of sign-ins, whichever page made them."""
    user_logged_in.connect(_signed_in, dispatch_uid="accounts.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="accounts.signed_out")
    user_login_failed.connect(_failed, dispatch_uid="accounts.sign_in_failed")
    for signal in (account_signals.password_changed, account_signals.password_set):
        signal.connect(_password_changed, dispatch_uid="accounts.password_changed")
    account_signals.password_reset.connect(
        _password_reset, dispatch_uid="accounts.password_reset"
    )
    account_signals.email_confirmed.connect(
        _address_confirmed, dispatch_uid="accounts.address_confirmed"
    )
    provider_signals.social_account_added.connect(
        _identity_added, dispatch_uid="accounts.identity_added"
    )


def _signed_in(sender, request, user, **kwargs) -> None:
    browser_sessions.remember(request, user)
    _record(AuditAction.LOGIN, user)


def _signed_out(sender, user, **kwargs) -> None:
    if user is not None:
        _record(AuditAction.LOGOUT, user)


def _password_changed(sender, user, **kwargs) -> None:
    # Not even a hash of it.
    _record(AuditAction.UPDATE, user, password={"old": None, "new": None})


def _password_reset(sender, user, **kwargs) -> None:
    """Take the address for shown, too: the link came by mail."""
    user.verify_email()
    _record(AuditAction.UPDATE, user, password={"old": None, "new": None})


def _address_confirmed(sender, email_address, **kwargs) -> None:
    user = email_address.user
    _record(
        AuditAction.UPDATE,
        user,
        verified_email={"old": None, "new": email_address.email},
    )


def _identity_added(sender, sociallogin, **kwargs) -> None:
    kind = KINDS.get(sociallogin.account.provider, AuthProvider.OIDC)
    change = {"old": None, "new": str(kind)}
    _record(AuditAction.UPDATE, sociallogin.user, identity=change)


def _record(action: AuditAction, user, **changes) -> None:
    audit.record(
        action=action,
        resource_type="user",
        resource_id=user.pk,
        actor=user,
        changes=changes,
    )


def _failed(sender, credentials, **kwargs) -> None:
    tried = str(credentials.get("email") or credentials.get("username") or "")
    masked = tried[:SHOWN] + "…" if tried else ""
    audit.record(
        action=AuditAction.FAILED_AUTH,
        resource_type="user",
        metadata={"tried": masked},
        response_status=SHOWN_AGAIN,
    )


def record_failure(user, factor: str) -> None:
    """Record that somebody who knew the password failed at the second step."""
    audit.record(
        action=AuditAction.FAILED_AUTH,
        resource_type="user",
        resource_id=user.pk,
        metadata={"factor": factor},
        response_status=SHOWN_AGAIN,
    )


def record_refusal(provider: str, why: str) -> None:
    """Record that an identity opened no account."""
    audit.record(
        action=AuditAction.FAILED_AUTH,
        resource_type="user",
        metadata={"provider": provider, "why": why},
    )
