import django.db.models.deletion
from django.db import migrations, models

# Whatever deletes an organization deletes these with it, once its scoreboards are
# gone: taking those away still writes here. Rows change often and in place.
FOLLOW = """
ALTER TABLE agent_metrics_totals
    ADD CONSTRAINT agent_metrics_totals_organization
    FOREIGN KEY (organization_id) REFERENCES organizations ON DELETE CASCADE,
    SET (fillfactor = 50);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_organizations_are_erased"),
        ("metrics", "0004_ledger_of_an_erased_organization"),
    ]

    operations = [
        migrations.CreateModel(
            name="MetricsTotal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "current_difficulty",
                    models.CharField(
                        choices=[
                            ("basic", "Basic"),
                            ("intermediate", "Intermediate"),
                            ("advanced", "Advanced"),
                            ("expert", "Expert"),
                            ("master", "Master"),
                            ("legendary", "Legendary"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("idle", "Idle"),
                            ("learning", "Learning"),
                            ("testing", "Testing"),
                            ("success", "Success"),
                            ("failed", "Failed"),
                            ("paused", "Paused"),
                        ],
                        max_length=20,
                    ),
                ),
                ("is_active", models.BooleanField()),
                ("agents", models.BigIntegerField()),
                (
                    "learning_score",
                    models.DecimalField(decimal_places=10, max_digits=60),
                ),
                ("xp", models.BigIntegerField()),
                ("level", models.BigIntegerField()),
                ("custody_xp", models.BigIntegerField()),
                ("custody_level", models.BigIntegerField()),
                ("total_tests_given", models.BigIntegerField()),
                ("total_tests_passed", models.BigIntegerField()),
                ("total_tests_failed", models.BigIntegerField()),
                ("adversarial_wins", models.BigIntegerField()),
            ],
            options={
                "db_table": "agent_metrics_totals",
                "ordering": ["id"],
                "indexes": [
                    models.Index(
                        fields=[
                            "organization",
                            "current_difficulty",
                            "status",
                            "is_active",
                        ],
                        name="ix_agent_metrics_totals_group",
                    )
                ],
            },
        ),
        migrations.RunSQL(FOLLOW, migrations.RunSQL.noop),
    ]
