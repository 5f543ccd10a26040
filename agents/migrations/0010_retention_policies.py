import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_sign_in_by_openid_connect"),
        ("agents", "0009_agent_stats"),
    ]

    operations = [
        migrations.CreateModel(
            name="RetentionPolicy",
            fields=[
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="retention",
                        serialize=False,
                        to="accounts.organization",
                    ),
                ),
                ("days", models.PositiveIntegerField(blank=True, null=True)),
            ],
            options={
                "db_table": "retention_policies",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("days", None),
                            models.Q(("days__gte", 1), ("days__lte", 3650)),
                            _connector="OR",
                        ),
                        name="ck_retention_days",
                    )
                ],
            },
        ),
    ]
