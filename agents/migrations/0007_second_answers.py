import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0006_ratings_and_tags"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="is_stopped",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="message",
            name="is_superseded",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="reply",
            name="prompt_tokens",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="reply",
            name="superseded_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="reply",
            name="question",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="replies",
                to="agents.message",
            ),
        ),
        migrations.AddConstraint(
            model_name="reply",
            constraint=models.UniqueConstraint(
                condition=models.Q(("superseded_at", None)),
                fields=("question",),
                name="uq_replies_one_counts",
            ),
        ),
    ]
