"""Record sign-ins, sign-outs and failed ones in the audit log."""

from django.contrib.auth.signals import (
    user_logged_in,
    user_logged_out,
    user_login_failed,
)

from accounts import audit
from accounts.models.audit import AuditAction

# The name somebody tried is personal, and may be a mistyped password.
SHOWN = 3


def watch() -> None:
    """Listen to what the framework says of sign-ins, whichever page made them."""
    user_logged_in.connect(_signed_in, dispatch_uid="accounts.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="accounts.signed_out")
    user_login_failed.connect(_failed, dispatch_uid="accounts.sign_in_failed")


def _signed_in(sender, user, **kwargs) -> None:
    _record(AuditAction.LOGIN, user)


def _signed_out(sender, user, **kwargs) -> None:
    if user is not None:
        _record(AuditAction.LOGOUT, user)


def _record(action: AuditAction, user) -> None:
    audit.record(action=action, resource_type="user", resource_id=user.pk, actor=user)


def _failed(sender, credentials, **kwargs) -> None:
    tried = str(credentials.get("email") or credentials.get("username") or "")
    masked = tried[:SHOWN] + "…" if tried else ""
    audit.record(
        action=AuditAction.FAILED_AUTH,
        resource_type="user",
        metadata={"tried": masked},
    )
