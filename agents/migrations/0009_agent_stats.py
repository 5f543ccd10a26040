import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0008_index_what_was_said"),
    ]

    operations = [
        migrations.CreateModel(
            name="AgentStats",
            fields=[
                (
                    "agent",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="stats",
                        serialize=False,
                        to="agents.agent",
                    ),
                ),
                ("total_conversations", models.PositiveIntegerField(default=0)),
                ("total_messages", models.PositiveIntegerField(default=0)),
                ("total_documents", models.PositiveIntegerField(default=0)),
                ("recent_conversations", models.PositiveIntegerField(default=0)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "counted_at",
                    models.DateTimeField(default=django.utils.timezone.now),
                ),
            ],
            options={
                "db_table": "agent_stats",
                "indexes": [
                    models.Index(
                        fields=["counted_at"], name="ix_agent_stats_counted"
                    )
                ],
            },
        ),
    ]
