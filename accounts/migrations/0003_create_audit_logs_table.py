import accounts.models.lifecycle
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_create_api_keys_table'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditLog',
            fields=[
                ('id', models.UUIDField(default=accounts.models.lifecycle.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization_id', models.BigIntegerField(default=0)),
                ('sequence', models.BigIntegerField()),
                ('timestamp', models.DateTimeField(default=django.utils.timezone.now)),
                ('api_key_id', models.UUIDField(null=True)),
                ('actor_type', models.CharField(default='system', max_length=20)),
                ('action', models.CharField(choices=[('CREATE', 'Create'), ('READ', 'Read'), ('UPDATE', 'Update'), ('DELETE', 'Delete'), ('EXECUTE', 'Execute'), ('LOGIN', 'Login'), ('LOGOUT', 'Logout'), ('FAILED_AUTH', 'Failed Auth')], max_length=20)),
                ('resource_type', models.CharField(max_length=100)),
                ('resource_id', models.CharField(blank=True, max_length=255)),
                ('request_id', models.UUIDField(null=True)),
                ('request_path', models.CharField(blank=True, max_length=500)),
                ('request_method', models.CharField(blank=True, max_length=10)),
                ('response_status', models.PositiveSmallIntegerField(null=True)),
                ('details_digest', models.CharField(max_length=64)),
                ('previous_hash', models.CharField(blank=True, max_length=64)),
                ('hash', models.CharField(max_length=64)),
            ],
            options={
                'db_table': 'audit_logs',
                'ordering': ['-timestamp', '-id'],
                'indexes': [
                    models.Index(fields=['timestamp'], name='ix_audit_timestamp'),
                    models.Index(fields=['action'], name='ix_audit_action'),
                    models.Index(fields=['resource_type'], name='ix_audit_resource_type'),
                    models.Index(fields=['request_id'], name='ix_audit_request_id'),
                    models.Index(fields=['resource_type', 'resource_id'], name='ix_audit_resource'),
                    models.Index(fields=['timestamp', 'action'], name='ix_audit_time_action'),
                    models.Index(fields=['timestamp', 'resource_type'], name='ix_audit_time_resource'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('organization_id', 'sequence'), name='uq_audit_logs_chain'),
                ],
            },
        ),
        migrations.CreateModel(
            name='AuditHead',
            fields=[
                ('organization_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('sequence', models.BigIntegerField(default=0)),
                ('previous_hash', models.CharField(default='', max_length=64)),
                ('hash', models.CharField(default='', max_length=64)),
            ],
            options={
                'db_table': 'audit_heads',
            },
        ),
        migrations.CreateModel(
            name='AuditDetail',
            fields=[
                ('audit_log', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='detail', serialize=False, to='accounts.auditlog')),
                ('ip_address', models.CharField(blank=True, max_length=45)),
                ('user_agent', models.CharField(blank=True, max_length=500)),
                ('request_body', models.JSONField(null=True)),
                ('changes', models.JSONField(default=dict)),
                ('metadata', models.JSONField(default=dict)),
            ],
            options={
                'db_table': 'audit_details',
            },
        ),
        migrations.AddField(
            model_name='auditlog',
            name='user',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='auditlog',
            index=models.Index(fields=['user'], name='ix_audit_user_id'),
        ),
        migrations.AddIndex(
            model_name='auditlog',
            index=models.Index(fields=['user', 'action'], name='ix_audit_user_action'),
        ),
        migrations.AddIndex(
            model_name='auditlog',
            index=models.Index(fields=['timestamp', 'user'], name='ix_audit_time_user'),
        ),
    ]
