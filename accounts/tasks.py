from celery import shared_task

from accounts import (
    audit,
    browser_sessions,
    closing,
    closing_notices,
    invitations,
    removal,
    webhooks,
)
from accounts.io_tasks import IoTask
from accounts.work import limits


@shared_task(name="accounts.tasks.anchor_audit_heads")
def anchor_audit_heads() -> int:
    """Anchor the audit chains outside the database."""
    return audit.anchor_heads()


@shared_task(base=IoTask, name="accounts.tasks.send_invitation")
def send_invitation(invitation_id: str) -> None:
    """Mail an invitation's link."""
    invitations.send(invitation_id)


@shared_task(
    base=IoTask,
    name="accounts.tasks.deliver_webhook",
    **limits(webhooks.LEASE_SECONDS),
)
def deliver_webhook(delivery_id: str) -> None:
    """Send one event to one endpoint."""
    webhooks.deliver(delivery_id)


@shared_task(name="accounts.tasks.forget_webhook_deliveries")
def forget_webhook_deliveries() -> int:
    """Shorten the log of deliveries."""
    return webhooks.forget_old_deliveries()


@shared_task(base=IoTask, name="accounts.tasks.send_account_closed")
def send_account_closed(user_id: str) -> None:
    """Tell a person that their account is closed."""
    closing_notices.tell_person(user_id)


@shared_task(base=IoTask, name="accounts.tasks.send_organization_deleted")
def send_organization_deleted(organization_id: str) -> None:
    """Tell owners that their organization is deleted."""
    closing_notices.tell_owners(organization_id)


@shared_task(name="accounts.tasks.erase_overdue")
def erase_overdue() -> int:
    """Erase the people and organizations that nobody may have back."""
    return removal.erase_overdue_organizations() + closing.erase_overdue_accounts()


@shared_task(name="accounts.tasks.forget_expired_sessions")
def forget_expired_sessions() -> int:
    """Delete browser sessions that have run out."""
    return browser_sessions.forget_expired_sessions()
