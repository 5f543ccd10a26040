from celery import shared_task

from accounts import audit, invitations


@shared_task(name="accounts.tasks.anchor_audit_heads")
def anchor_audit_heads() -> int:
    """Anchor the audit chains outside the database."""
    return audit.anchor_heads()


@shared_task(name="accounts.tasks.send_invitation")
def send_invitation(invitation_id: str) -> None:
    """Mail an invitation's link."""
    invitations.send(invitation_id)
