import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0010_retention_policies"),
        ("widget", "0001_create_widget_tables"),
    ]

    operations = [
        migrations.AlterField(
            model_name="widgetsession",
            name="session",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="widget_sessions",
                to="agents.session",
            ),
        ),
    ]
