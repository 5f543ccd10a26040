"""Try what changes something, and see which rows of the audit log it leaves."""

from django.db import transaction

from accounts.models import AuditLog


def attempt(client, method, path, body="", content_type="", **extra):
    """Return an answer with the rows it left, and take back whatever it changed."""
    with transaction.atomic():
        before = set(AuditLog.objects.values_list("pk", flat=True))
        answer = client.generic(method.upper(), path, body, content_type, **extra)
        if answer.streaming:
            b"".join(answer.streaming_content)
        rows = list(AuditLog.objects.with_details().exclude(pk__in=before))
        transaction.set_rollback(True)
    return answer, rows
