import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

# Of each of these sizes an approximate index; it holds half-precision numbers, as
# those of 3,072 dimensions would not fit otherwise and the rest take half the room.
SIZES = (256, 384, 512, 768, 1024, 1536, 3072)


def nearest(size: int) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE INDEX ix_chunks_nearest_{size} ON chunks USING hnsw"
        f" ((embedding::halfvec({size})) halfvec_cosine_ops)"
        f" WHERE vector_dims(embedding) = {size}",
        f"DROP INDEX ix_chunks_nearest_{size}",
    )


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0002_create_sessions_table'),
    ]

    operations = [
        migrations.AddField(
            model_name='chunk',
            name='embedding_model',
            field=models.CharField(blank=True, default='', max_length=200),
        ),
        migrations.AlterField(
            model_name='knowledgepack',
            name='language',
            field=models.CharField(choices=[('simple', 'Any language'), ('chinese', 'Chinese'), ('danish', 'Danish'), ('dutch', 'Dutch'), ('english', 'English'), ('finnish', 'Finnish'), ('french', 'French'), ('german', 'German'), ('italian', 'Italian'), ('japanese', 'Japanese'), ('korean', 'Korean'), ('norwegian', 'Norwegian'), ('portuguese', 'Portuguese'), ('spanish', 'Spanish'), ('swedish', 'Swedish')], default='english', max_length=20),
        ),
        migrations.CreateModel(
            name='VectorIndex',
            fields=[
                ('status', models.CharField(choices=[('pending', 'Pending'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='pending', max_length=10)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('run_after', models.DateTimeField(default=django.utils.timezone.now)),
                ('lease_expires_at', models.DateTimeField(blank=True, null=True)),
                ('last_error', models.TextField(blank=True, default='')),
                ('knowledge_pack', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='vector_index', serialize=False, to='agents.knowledgepack')),
                ('embedding_model', models.CharField(blank=True, default='', max_length=200)),
                ('dimensions', models.PositiveIntegerField(default=0)),
                ('vector_count', models.PositiveIntegerField(default=0)),
                ('completed_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'db_table': 'vector_indexes',
                'indexes': [models.Index(condition=models.Q(('status__in', ['pending', 'running'])), fields=['run_after'], name='ix_vector_indexes_unfinished')],
            },
        ),
        *map(nearest, SIZES),
    ]
