import accounts.models.lifecycle
import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0001_create_agents_tables'),
    ]

    operations = [
        migrations.CreateModel(
            name='Message',
            fields=[
                ('idempotency_key', models.CharField(blank=True, editable=False, max_length=255, null=True)),
                ('request_fingerprint', models.CharField(blank=True, default='', editable=False, max_length=64)),
                ('id', models.UUIDField(default=accounts.models.lifecycle.new_id, editable=False, primary_key=True, serialize=False)),
                ('sequence', models.PositiveIntegerField()),
                ('role', models.CharField(choices=[('user', 'User'), ('assistant', 'Assistant'), ('system', 'System'), ('tool', 'Tool')], max_length=10)),
                ('content', models.TextField(blank=True)),
                ('citations', models.JSONField(blank=True, default=list)),
                ('tokens', models.PositiveIntegerField(blank=True, null=True)),
                ('metadata', models.JSONField(blank=True, default=dict)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'db_table': 'messages',
                'ordering': ['sequence'],
            },
        ),
        migrations.CreateModel(
            name='Session',
            fields=[
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('idempotency_key', models.CharField(blank=True, editable=False, max_length=255, null=True)),
                ('request_fingerprint', models.CharField(blank=True, default='', editable=False, max_length=64)),
                ('id', models.UUIDField(default=accounts.models.lifecycle.new_id, editable=False, primary_key=True, serialize=False)),
                ('visitor_id', models.CharField(blank=True, max_length=255)),
                ('agent_id', models.CharField(max_length=255)),
                ('channel', models.CharField(choices=[('api', 'API'), ('dashboard', 'Dashboard'), ('widget', 'Widget')], default='api', max_length=10)),
                ('title', models.CharField(blank=True, max_length=500)),
                ('status', models.CharField(choices=[('active', 'Active'), ('completed', 'Completed'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='active', max_length=10)),
                ('context', models.JSONField(blank=True, default=dict)),
                ('metadata', models.JSONField(blank=True, default=dict)),
                ('total_messages', models.IntegerField(default=0)),
                ('total_tokens', models.IntegerField(blank=True, null=True)),
                ('last_activity_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('agent_ref', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='sessions', to='agents.agent')),
                ('organization', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to='accounts.organization')),
                ('user', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'sessions',
                'abstract': False,
                'base_manager_name': 'all_objects',
                'indexes': [
                    models.Index(fields=['user'], name='ix_sessions_user_id'),
                    models.Index(fields=['agent_id'], name='ix_sessions_agent_id'),
                    models.Index(fields=['status'], name='ix_sessions_status'),
                    models.Index(fields=['last_activity_at'], name='ix_sessions_last_activity'),
                    models.Index(fields=['expires_at'], name='ix_sessions_expires_at'),
                    models.Index(fields=['user', 'status'], name='ix_sessions_user_status'),
                    models.Index(fields=['user', 'last_activity_at'], name='ix_sessions_user_activity'),
                    models.Index(fields=['agent_id', 'status'], name='ix_sessions_agent_status'),
                    models.Index(fields=['status', 'deleted_at'], name='ix_sessions_status_deleted'),
                    models.Index(models.F('organization'), models.OrderBy(models.F('last_activity_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('deleted_at', None)), name='ix_sessions_latest'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('user__isnull', False), models.Q(('visitor_id', ''), _negated=True), _connector='OR'), name='ck_sessions_has_a_person'),
                    models.UniqueConstraint(condition=models.Q(('idempotency_key__isnull', False)), fields=('agent_ref', 'visitor_id', 'user', 'idempotency_key'), name='uq_sessions_idempotency_key', nulls_distinct=False),
                ],
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('all_objects', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Reply',
            fields=[
                ('status', models.CharField(choices=[('pending', 'Pending'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='pending', max_length=10)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('run_after', models.DateTimeField(default=django.utils.timezone.now)),
                ('lease_expires_at', models.DateTimeField(blank=True, null=True)),
                ('last_error', models.TextField(blank=True, default='')),
                ('id', models.UUIDField(default=accounts.models.lifecycle.new_id, editable=False, primary_key=True, serialize=False)),
                ('events_after', models.CharField(default='0-0', max_length=40)),
                ('provider', models.CharField(blank=True, default='', max_length=50)),
                ('failure_code', models.CharField(blank=True, default='', max_length=50)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('first_token_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('announced_at', models.DateTimeField(null=True)),
                ('answer', models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='answers', to='agents.message')),
                ('question', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='reply', to='agents.message')),
                ('version', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='agents.agentversion')),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='replies', to='agents.session')),
            ],
            options={
                'db_table': 'replies',
                'ordering': ['created_at', 'id'],
                'indexes': [
                    models.Index(condition=models.Q(('status__in', ['pending', 'running'])), fields=['run_after'], name='ix_replies_unfinished'),
                    models.Index(condition=models.Q(('announced_at', None), ('finished_at__isnull', False)), fields=['finished_at'], name='ix_replies_unannounced'),
                ],
            },
        ),
        migrations.AddField(
            model_name='message',
            name='session',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='message_rows', to='agents.session'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(fields=('session', 'sequence'), name='uq_messages_sequence'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(condition=models.Q(('idempotency_key__isnull', False)), fields=('session', 'idempotency_key'), name='uq_messages_idempotency_key'),
        ),
    ]
