from django.db import migrations, models
from django.db.models import Case, Q, When


class Migration(migrations.Migration):
    dependencies = [("metrics", "0007_add_up_what_is_there")]

    operations = [
        migrations.AddField(
            model_name="agentmetrics",
            name="urgency",
            field=models.GeneratedField(
                db_persist=True,
                expression=Case(
                    When(Q(consecutive_failures__gt=2), then=0),
                    When(Q(total_tests_given__gt=0, pass_rate__lt=0.85), then=1),
                    When(Q(total_tests_given=0), then=2),
                    When(Q(consecutive_successes__gt=5), then=3),
                ),
                output_field=models.SmallIntegerField(null=True),
            ),
        ),
        migrations.AddIndex(
            model_name="agentmetrics",
            index=models.Index(
                condition=Q(retired_at=None, urgency__isnull=False),
                fields=["organization", "urgency", "pass_rate", "agent_type"],
                name="ix_agent_metrics_urgency",
            ),
        ),
    ]
