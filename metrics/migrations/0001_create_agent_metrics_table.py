import accounts.models.lifecycle
import django.contrib.postgres.functions
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_create_users_table'),
    ]

    operations = [
        migrations.CreateModel(
            name='AgentMetrics',
            fields=[
                ('id', models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), editable=False, primary_key=True, serialize=False)),
                ('agent_id', models.CharField(max_length=100)),
                ('agent_type', models.CharField(max_length=50, validators=[django.core.validators.RegexValidator('\\A[a-z0-9][a-z0-9_-]{0,49}\\Z', 'Use 1 to 50 lower-case letters, digits, - and _, starting with a letter or digit.')])),
                ('learning_score', models.FloatField(db_default=0.0, default=0.0)),
                ('success_rate', models.FloatField(db_default=0.0, default=0.0)),
                ('failure_rate', models.FloatField(db_default=0.0, default=0.0)),
                ('pass_rate', models.FloatField(db_default=0.0, default=0.0)),
                ('total_learning_cycles', models.IntegerField(db_default=0, default=0)),
                ('xp', models.IntegerField(db_default=0, default=0)),
                ('level', models.IntegerField(db_default=1, default=1)),
                ('prestige', models.IntegerField(db_default=0, default=0)),
                ('current_difficulty', models.CharField(choices=[('basic', 'Basic'), ('intermediate', 'Intermediate'), ('advanced', 'Advanced'), ('expert', 'Expert'), ('master', 'Master'), ('legendary', 'Legendary')], db_default='basic', default='basic', max_length=20)),
                ('total_tests_given', models.IntegerField(db_default=0, default=0)),
                ('total_tests_passed', models.IntegerField(db_default=0, default=0)),
                ('total_tests_failed', models.IntegerField(db_default=0, default=0)),
                ('consecutive_successes', models.IntegerField(db_default=0, default=0)),
                ('consecutive_failures', models.IntegerField(db_default=0, default=0)),
                ('last_test_date', models.DateTimeField(blank=True, null=True)),
                ('test_history', models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list)),
                ('custody_level', models.IntegerField(db_default=1, default=1)),
                ('custody_xp', models.IntegerField(db_default=0, default=0)),
                ('adversarial_wins', models.IntegerField(db_default=0, default=0)),
                ('learning_patterns', models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list)),
                ('improvement_suggestions', models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list)),
                ('status', models.CharField(choices=[('idle', 'Idle'), ('learning', 'Learning'), ('testing', 'Testing'), ('success', 'Success'), ('failed', 'Failed'), ('paused', 'Paused')], db_default='idle', default='idle', max_length=20)),
                ('is_active', models.BooleanField(db_default=True, default=True)),
                ('priority', models.CharField(choices=[('low', 'Low'), ('medium', 'Medium'), ('high', 'High'), ('critical', 'Critical')], db_default='medium', default='medium', max_length=20)),
                ('capabilities', models.JSONField(blank=True, null=True)),
                ('config', models.JSONField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('retired_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('events', models.BigIntegerField(db_default=0, default=0, editable=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='agent_metrics', to='accounts.organization')),
            ],
            options={
                'verbose_name_plural': 'agent metrics',
                'db_table': 'agent_metrics',
                'ordering': ['created_at', 'id'],
                'indexes': [
                    models.Index(condition=models.Q(('retired_at', None)), fields=['organization', '-level', '-xp', 'agent_type'], name='ix_agent_metrics_ranking'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('organization', 'agent_type'), name='uq_agent_metrics_type'),
                    models.CheckConstraint(condition=models.Q(('total_tests_given', django.db.models.expressions.CombinedExpression(models.F('total_tests_passed'), '+', models.F('total_tests_failed')))), name='ck_agent_metrics_counts_add_up'),
                    models.CheckConstraint(condition=models.Q(('failure_rate__range', (0, 1)), ('pass_rate__range', (0, 1)), ('success_rate__range', (0, 1))), name='ck_agent_metrics_rates'),
                    models.CheckConstraint(condition=models.Q(('adversarial_wins__gte', 0), ('consecutive_failures__gte', 0), ('consecutive_successes__gte', 0), ('custody_level__gte', 1), ('custody_xp__gte', 0), ('learning_score__gte', 0), ('level__gte', 1), ('prestige__gte', 0), ('total_learning_cycles__gte', 0), ('total_tests_failed__gte', 0), ('total_tests_passed__gte', 0), ('xp__gte', 0)), name='ck_agent_metrics_not_negative'),
                ],
            },
        ),
        migrations.CreateModel(
            name='MetricEvent',
            fields=[
                ('id', models.UUIDField(default=accounts.models.lifecycle.new_id, editable=False, primary_key=True, serialize=False)),
                ('sequence', models.BigIntegerField()),
                ('kind', models.CharField(choices=[('custody_test', 'Custody Test'), ('learning', 'Learning'), ('put', 'Put'), ('bulk_update', 'Bulk Update'), ('reset', 'Reset')], max_length=20)),
                ('source', models.CharField(choices=[('api', 'Api'), ('dashboard', 'Dashboard'), ('custody_run', 'Custody Run'), ('optimizer', 'Optimizer'), ('migration', 'Migration'), ('demo', 'Demo')], default='api', max_length=20)),
                ('payload', models.JSONField(default=dict)),
                ('passed', models.BooleanField(null=True)),
                ('score', models.FloatField(null=True)),
                ('difficulty', models.CharField(blank=True, default='', max_length=20)),
                ('xp_change', models.IntegerField(default=0)),
                ('occurred_at', models.DateTimeField()),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('idempotency_key', models.CharField(blank=True, max_length=255, null=True)),
                ('request_fingerprint', models.CharField(blank=True, default='', max_length=64)),
                ('response', models.TextField(blank=True, default='')),
                ('metrics', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='ledger', to='metrics.agentmetrics')),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='metric_events', to='accounts.organization')),
            ],
            options={
                'db_table': 'metric_events',
                'indexes': [
                    models.Index(fields=['organization', 'occurred_at'], include=('metrics', 'passed', 'xp_change'), name='ix_metric_events_time'),
                    models.Index(fields=['metrics', 'occurred_at'], include=('passed', 'xp_change'), name='ix_metric_events_agent_time'),
                    models.Index(condition=models.Q(('kind', 'reset')), fields=['metrics', 'sequence'], name='ix_metric_events_resets'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('metrics', 'sequence'), name='uq_metric_events_sequence'),
                    models.UniqueConstraint(condition=models.Q(('idempotency_key__isnull', False)), fields=('organization', 'idempotency_key'), name='uq_metric_events_idempotency_key'),
                ],
            },
        ),
    ]
