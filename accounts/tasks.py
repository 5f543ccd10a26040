from celery import shared_task

from accounts.audit import log as audit
from accounts.organizations import deletion, invitation_mail
from accounts.privacy import account_closing, notifications
from accounts.sign_in import browser_sessions
from accounts.webhooks import delivery
from accounts.work.io_tasks import IoTask
from accounts.work.leases import limits


@shared_task(name="accounts.tasks.anchor_audit_heads")
def anchor_audit_heads() -> int:
    """Anchor the audit chains outside the database."""
    return audit.anchor_heads()


@shared_task(base=IoTask, name="accounts.tasks.send_invitation")
def send_invitation(invitation_id: str) -> None:
    """Mail an invitation's link."""
    invitation_mail.send(invitation_id)


@shared_task(
    base=IoTask,
    name="accounts.tasks.deliver_webhook",
    **limits(delivery.LEASE_SECONDS),
)
def deliver_webhook(delivery_id: str) -> None:
    """Send one event to one endpoint."""
    delivery.deliver(delivery_id)


@shared_task(name="accounts.tasks.forget_webhook_deliveries")
def forget_webhook_deliveries() -> int:
    """Shorten the log of deliveries."""
    return delivery.forget_old_deliveries()


@shared_task(base=IoTask, name="accounts.tasks.send_account_closed")
def send_account_closed(user_id: str) -> None:
    """Tell a person that their account is closed."""
    notifications.tell_person(user_id)


@shared_task(base=IoTask, name="accounts.tasks.send_organization_deleted")
def send_organization_deleted(organization_id: str) -> None:
    """Tell owners that their organization is deleted."""
    notifications.tell_owners(organization_id)


@shared_task(name="accounts.tasks.erase_overdue")
def erase_overdue() -> int:
    """Erase the people and organizations that nobody may have back."""
    return (
        deletion.erase_overdue_organizations()
        + account_closing.erase_overdue_accounts()
    )


@shared_task(name="accounts.tasks.forget_expired_sessions")
def forget_expired_sessions() -> int:
    """Delete browser sessions that have run out."""
    return browser_sessions.forget_expired_sessions()
