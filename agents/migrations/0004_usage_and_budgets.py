import accounts.models.lifecycle
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_create_webhooks_tables"),
        ("agents", "0003_vector_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="AgentBudget",
            fields=[
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "agent",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="budget",
                        serialize=False,
                        to="agents.agent",
                    ),
                ),
                ("max_messages_per_month", models.IntegerField(default=-1)),
                ("max_tokens_per_month", models.BigIntegerField(default=-1)),
            ],
            options={
                "db_table": "agent_budgets",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("max_messages_per_month__gte", -1),
                            ("max_tokens_per_month__gte", -1),
                        ),
                        name="ck_agent_budgets_caps",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=accounts.models.lifecycle.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("month", models.DateField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("conversation", "Conversations"),
                            ("completion", "Completions"),
                            ("custody", "Custody tests"),
                        ],
                        max_length=12,
                    ),
                ),
                ("messages", models.PositiveIntegerField()),
                ("tokens", models.PositiveBigIntegerField()),
                ("expires_at", models.DateTimeField()),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="agents.agent",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "reply",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="reservation",
                        to="agents.reply",
                    ),
                ),
            ],
            options={
                "db_table": "usage_reservations",
                "indexes": [
                    models.Index(fields=["expires_at"], name="ix_reservations_expire")
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageDay",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("conversation", "Conversations"),
                            ("completion", "Completions"),
                            ("custody", "Custody tests"),
                        ],
                        max_length=12,
                    ),
                ),
                ("messages", models.PositiveIntegerField(default=0)),
                ("tokens", models.PositiveBigIntegerField(default=0)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="agents.agent",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "db_table": "usage_days",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "day", "agent", "kind"),
                        name="uq_usage_days_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageMonth",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("month", models.DateField()),
                ("messages", models.PositiveIntegerField(default=0)),
                ("tokens", models.PositiveBigIntegerField(default=0)),
                ("reserved_messages", models.PositiveIntegerField(default=0)),
                ("reserved_tokens", models.PositiveBigIntegerField(default=0)),
                ("warned_at", models.DateTimeField(null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="usage_months",
                        to="agents.agent",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "db_table": "usage_months",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "agent", "month"),
                        name="uq_usage_months_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
