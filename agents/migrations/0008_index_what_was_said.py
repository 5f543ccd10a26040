import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    # Conversations go on while the index is made, and a migration that was broken
    # off leaves half an index behind, which the next try clears away.
    atomic = False

    dependencies = [
        ("agents", "0007_second_answers"),
    ]

    operations = [
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS ix_messages_search",
            migrations.RunSQL.noop,
        ),
        AddIndexConcurrently(
            model_name="message",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.search.SearchVector("content", config="simple"),
                name="ix_messages_search",
            ),
        ),
    ]
