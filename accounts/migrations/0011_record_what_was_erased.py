import hashlib
import json
from itertools import groupby
from operator import itemgetter

import django.utils.timezone
from django.db import migrations, models

from accounts.models.lifecycle import new_id

# Details that were erased before erasures were recorded, as ranges of rows. The
# platform's chain comes last, as everywhere: locks are taken in one order.
ERASED = """
    SELECT organization_id, min(sequence), max(sequence)
    FROM (
        SELECT organization_id, sequence, sequence - row_number() OVER (
            PARTITION BY organization_id ORDER BY sequence
        ) AS island
        FROM audit_logs LEFT JOIN audit_details ON audit_log_id = audit_logs.id
        WHERE audit_log_id IS NULL
    ) AS gone
    GROUP BY organization_id, island
    ORDER BY organization_id = 0, 1, 2
"""
RANGES_A_ROW = 1_000


def as_text(value):
    if hasattr(value, "astimezone"):
        return value.isoformat(timespec="microseconds")
    return str(value)


def digest(values, before=""):
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), default=as_text)
    return hashlib.sha256(f"{before}{text}".encode()).hexdigest()


def record_what_was_erased(apps, schema_editor):
    """Append to each chain a row that names the details missing so far."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(ERASED)
        erased = cursor.fetchall()
    for chain, ranges in groupby(erased, key=itemgetter(0)):
        ranges = [list(each[1:]) for each in ranges]
        for first in range(0, len(ranges), RANGES_A_ROW):
            some = ranges[first : first + RANGES_A_ROW]
            append(apps, chain, {"baseline": True, "erased": some})


def append(apps, chain, metadata):
    head = apps.get_model("accounts", "AuditHead").objects.select_for_update().get(
        pk=chain
    )
    details = {
        "changes": {},
        "ip_address": "",
        "metadata": metadata,
        "request_body": None,
        "user_agent": "",
    }
    values = {
        "id": new_id(),
        "organization_id": chain,
        "timestamp": django.utils.timezone.now(),
        "user_id": None,
        "api_key_id": None,
        "actor_type": "system",
        "action": "DELETE",
        "resource_type": "audit_details",
        "resource_id": "",
        "request_id": None,
        "request_path": "",
        "request_method": "",
        "response_status": None,
        "details_digest": digest(details),
    }
    head.sequence, head.previous_hash = head.sequence + 1, head.hash
    head.hash = digest(values, f"{head.previous_hash}:{head.sequence}:")
    apps.get_model("accounts", "AuditLog").objects.create(
        **values,
        sequence=head.sequence,
        previous_hash=head.previous_hash,
        hash=head.hash,
    )
    apps.get_model("accounts", "AuditDetail").objects.create(
        audit_log_id=values["id"], **details
    )
    head.save()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_create_browser_sessions_table")]

    operations = [
        migrations.CreateModel(
            name="AuditAnchor",
            fields=[
                (
                    "id",
                    models.SmallIntegerField(
                        default=1, primary_key=True, serialize=False
                    ),
                ),
                ("size", models.BigIntegerField(default=0)),
                ("digest", models.CharField(blank=True, default="", max_length=64)),
            ],
            options={"db_table": "audit_anchors"},
        ),
        # The rows stay when this is taken back: the log is append-only.
        migrations.RunPython(record_what_was_erased, migrations.RunPython.noop),
    ]
