import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import accounts.models.lifecycle


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_verify_existing_addresses"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="BrowserSession",
            fields=[
                ("id", models.UUIDField(default=accounts.models.lifecycle.new_id, editable=False, primary_key=True, serialize=False)),
                ("stamp", models.CharField(max_length=32)),
                ("ip_address", models.CharField(blank=True, max_length=45)),
                ("user_agent", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("last_seen_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("session", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name="browser_session", to="sessions.session")),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="browser_sessions", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "db_table": "browser_sessions",
                "indexes": [models.Index(fields=["user", "-last_seen_at"], name="ix_browser_sessions_user_seen")],
            },
        ),
    ]
