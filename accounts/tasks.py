from celery import shared_task

from accounts import audit


@shared_task(name="accounts.tasks.anchor_audit_heads")
def anchor_audit_heads() -> int:
    """Anchor the audit chains outside the database."""
    return audit.anchor_heads()
