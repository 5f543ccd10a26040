import accounts.models.lifecycle
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_create_users_table'),
    ]

    operations = [
        migrations.CreateModel(
            name='APIKey',
            fields=[
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('idempotency_key', models.CharField(blank=True, editable=False, max_length=255, null=True)),
                ('request_fingerprint', models.CharField(blank=True, default='', editable=False, max_length=64)),
                ('id', models.UUIDField(default=accounts.models.lifecycle.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('key_hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('key_prefix', models.CharField(editable=False, max_length=16)),
                ('last_four', models.CharField(editable=False, max_length=4)),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('agents:read', 'Agents Read'), ('agents:write', 'Agents Write'), ('knowledge:write', 'Knowledge Write'), ('metrics:read', 'Metrics Read'), ('metrics:write', 'Metrics Write'), ('sessions:read', 'Sessions Read'), ('sessions:write', 'Sessions Write'), ('widget:sessions', 'Widget Sessions'), ('chat', 'Chat'), ('admin', 'Admin')], max_length=30), default=list, size=None)),
                ('rate_limit_tier', models.CharField(choices=[('free', 'Free: 100 requests an hour'), ('pro', 'Pro: 1,000 requests an hour'), ('enterprise', 'Enterprise: 10,000 requests an hour')], default='free', max_length=20)),
                ('agent_public_id', models.UUIDField(blank=True, null=True)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='api_keys', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_keys', to='accounts.organization')),
            ],
            options={
                'verbose_name': 'API key',
                'db_table': 'api_keys',
                'ordering': ['-created_at', '-id'],
                'abstract': False,
                'base_manager_name': 'all_objects',
                'indexes': [
                    models.Index(fields=['user'], name='ix_api_keys_user_id'),
                    models.Index(fields=['key_prefix'], name='ix_api_keys_key_prefix'),
                    models.Index(fields=['expires_at'], name='ix_api_keys_expires_at'),
                    models.Index(fields=['user', 'deleted_at'], name='ix_api_keys_user_deleted'),
                    models.Index(fields=['key_hash', 'deleted_at'], name='ix_api_keys_hash_deleted'),
                ],
                'constraints': [
                    models.UniqueConstraint(condition=models.Q(('idempotency_key__isnull', False)), fields=('organization', 'idempotency_key'), name='uq_api_keys_idempotency_key'),
                ],
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('all_objects', django.db.models.manager.Manager()),
            ],
        ),
    ]
