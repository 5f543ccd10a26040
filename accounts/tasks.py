from celery import shared_task

from accounts import audit, invitations, webhooks


@shared_task(name="accounts.tasks.anchor_audit_heads")
def anchor_audit_heads() -> int:
    """Anchor the audit chains outside the database."""
    return audit.anchor_heads()


@shared_task(name="accounts.tasks.send_invitation")
def send_invitation(invitation_id: str) -> None:
    """Mail an invitation's link."""
    invitations.send(invitation_id)


@shared_task(name="accounts.tasks.deliver_webhook")
def deliver_webhook(delivery_id: str) -> None:
    """Send one event to one endpoint."""
    webhooks.deliver(delivery_id)


@shared_task(name="accounts.tasks.forget_webhook_deliveries")
def forget_webhook_deliveries() -> int:
    """Shorten the log of deliveries."""
    return webhooks.forget_old_deliveries()
