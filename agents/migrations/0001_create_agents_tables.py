import accounts.models.lifecycle
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.manager
import django.utils.timezone
import pgvector.django.vector
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0004_audit_append_only'),
        ('metrics', '0001_create_agent_metrics_table'),
    ]

    operations = [
        # Only an administrator may create it; here it is found, or named as missing.
        migrations.RunSQL(
            "CREATE EXTENSION IF NOT EXISTS vector", migrations.RunSQL.noop
        ),
        migrations.CreateModel(
            name='Agent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('idempotency_key', models.CharField(blank=True, editable=False, max_length=255, null=True)),
                ('request_fingerprint', models.CharField(blank=True, default='', editable=False, max_length=64)),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('name', models.CharField(max_length=255)),
                ('slug', models.SlugField(db_index=False, editable=False)),
                ('description', models.CharField(blank=True, max_length=2000)),
                ('template', models.CharField(choices=[('custom', 'Custom'), ('customer_support', 'Customer Support'), ('sales_assistant', 'Sales Assistant'), ('technical_docs', 'Technical Docs'), ('lead_qualification', 'Lead Qualification'), ('product_expert', 'Product Expert'), ('faq_bot', 'FAQ bot'), ('onboarding_guide', 'Onboarding Guide')], default='custom', max_length=30)),
                ('industry', models.CharField(choices=[('general', 'General'), ('saas', 'SaaS'), ('ecommerce', 'E-commerce'), ('healthcare', 'Healthcare'), ('fintech', 'Fintech'), ('education', 'Education'), ('real_estate', 'Real Estate'), ('consulting', 'Consulting')], default='general', max_length=30)),
                ('system_prompt', models.TextField(blank=True, max_length=10000, validators=[django.core.validators.MaxLengthValidator(10000)])),
                ('config', models.JSONField(default=dict)),
                ('widget_config', models.JSONField(default=dict)),
                ('release_gate', models.CharField(choices=[('none', 'Every edit goes live'), ('warn', 'Edits are drafts; warn about failed tests'), ('enforce', 'Edits are drafts; failed tests stop a release')], default='none', max_length=10)),
                ('is_active', models.BooleanField(default=True)),
                ('allowed_origins', models.JSONField(blank=True, default=list)),
                ('widget_mode', models.CharField(choices=[('public', 'Anyone on an allowed site'), ('identity_required', 'Signed-in visitors only'), ('server_only', 'Only through your own server')], default='public', max_length=20)),
                ('auto_optimize', models.BooleanField(default=True)),
                ('optimization_status', models.CharField(choices=[('none', 'None'), ('pending', 'Pending'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('skipped', 'Skipped')], default='none', editable=False, max_length=10)),
                ('optimization_metadata', models.JSONField(default=dict, editable=False)),
                ('revision', models.PositiveIntegerField(default=1, editable=False)),
                ('created_by_user', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='agents', to='accounts.organization')),
                ('updated_by_user', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'agents',
                'abstract': False,
                'base_manager_name': 'all_objects',
                'indexes': [
                    models.Index(fields=['idempotency_key'], name='ix_agents_idempotency_key'),
                    models.Index(models.F('organization'), models.OrderBy(models.F('created_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('deleted_at', None)), name='ix_agents_newest'),
                ],
                'constraints': [
                    models.UniqueConstraint(condition=models.Q(('idempotency_key__isnull', False)), fields=('organization', 'idempotency_key'), name='uq_agents_idempotency_key'),
                    models.UniqueConstraint(models.F('organization'), django.db.models.functions.text.Lower('name'), condition=models.Q(('deleted_at', None)), name='uq_agents_org_name'),
                    models.UniqueConstraint(fields=('organization', 'slug'), name='uq_agents_slug'),
                ],
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('all_objects', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='AgentVersion',
            fields=[
                ('id', models.UUIDField(default=accounts.models.lifecycle.new_id, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('system_prompt', models.TextField(blank=True)),
                ('persona_prompt', models.TextField(blank=True)),
                ('config', models.JSONField(default=dict)),
                ('widget_config', models.JSONField(default=dict)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('origin', models.CharField(choices=[('edit', 'Edited'), ('optimizer', 'Written by the optimizer'), ('restore', 'Restored')], default='edit', max_length=10)),
                ('custody_result', models.JSONField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('agent', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='agents.agent')),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('parent', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='agents.agentversion')),
            ],
            options={
                'db_table': 'agent_versions',
                'ordering': ['-number'],
                'constraints': [
                    models.UniqueConstraint(fields=('agent', 'number'), name='uq_agent_versions_number'),
                ],
            },
        ),
        migrations.AddField(
            model_name='agent',
            name='draft_version',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='agents.agentversion'),
        ),
        migrations.AddField(
            model_name='agent',
            name='live_version',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='agents.agentversion'),
        ),
        migrations.CreateModel(
            name='KnowledgePack',
            fields=[
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('id', models.UUIDField(default=accounts.models.lifecycle.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=255)),
                ('description', models.CharField(blank=True, max_length=2000)),
                ('language', models.CharField(choices=[('simple', 'Any language'), ('danish', 'Danish'), ('dutch', 'Dutch'), ('english', 'English'), ('finnish', 'Finnish'), ('french', 'French'), ('german', 'German'), ('italian', 'Italian'), ('norwegian', 'Norwegian'), ('portuguese', 'Portuguese'), ('spanish', 'Spanish'), ('swedish', 'Swedish')], default='english', max_length=20)),
                ('created_by_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='knowledge_packs', to='accounts.organization')),
            ],
            options={
                'db_table': 'knowledge_packs',
                'ordering': [django.db.models.functions.text.Lower('name'), 'id'],
                'constraints': [
                    models.UniqueConstraint(models.F('organization'), django.db.models.functions.text.Lower('name'), name='uq_knowledge_packs_name'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Document',
            fields=[
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('idempotency_key', models.CharField(blank=True, editable=False, max_length=255, null=True)),
                ('request_fingerprint', models.CharField(blank=True, default='', editable=False, max_length=64)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='pending', max_length=10)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('run_after', models.DateTimeField(default=django.utils.timezone.now)),
                ('lease_expires_at', models.DateTimeField(blank=True, null=True)),
                ('last_error', models.TextField(blank=True, default='')),
                ('id', models.UUIDField(default=accounts.models.lifecycle.new_id, editable=False, primary_key=True, serialize=False)),
                ('title', models.CharField(max_length=500)),
                ('content', models.TextField()),
                ('content_hash', models.CharField(editable=False, max_length=64)),
                ('source_url', models.URLField(blank=True, max_length=2000)),
                ('chunk_count', models.PositiveIntegerField(default=0, editable=False)),
                ('indexed_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('created_by_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='documents', to='accounts.organization')),
                ('knowledge_pack', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='documents', to='agents.knowledgepack')),
            ],
            options={
                'db_table': 'documents',
                'ordering': ['-created_at', '-id'],
                'indexes': [
                    models.Index(condition=models.Q(('status__in', ['pending', 'running'])), fields=['run_after'], name='ix_documents_unfinished'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('knowledge_pack', 'content_hash'), name='uq_documents_content'),
                    models.UniqueConstraint(condition=models.Q(('idempotency_key__isnull', False)), fields=('organization', 'idempotency_key'), name='uq_documents_idempotency_key'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Chunk',
            fields=[
                ('id', models.UUIDField(default=accounts.models.lifecycle.new_id, editable=False, primary_key=True, serialize=False)),
                ('position', models.PositiveIntegerField()),
                ('heading', models.CharField(blank=True, max_length=500)),
                ('text', models.TextField()),
                ('search_vector', django.contrib.postgres.search.SearchVectorField(null=True)),
                ('embedding', pgvector.django.vector.VectorField(blank=True, null=True)),
                ('document', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='agents.document')),
                ('knowledge_pack', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='agents.knowledgepack')),
            ],
            options={
                'db_table': 'chunks',
                'ordering': ['document', 'position'],
                'indexes': [
                    django.contrib.postgres.indexes.GinIndex(fields=['search_vector'], name='ix_chunks_search'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('document', 'position'), name='uq_chunks_position'),
                ],
            },
        ),
        migrations.AddField(
            model_name='agentversion',
            name='knowledge_pack',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='agents.knowledgepack'),
        ),
        migrations.AddField(
            model_name='agent',
            name='knowledge_pack',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='agents', to='agents.knowledgepack'),
        ),
        migrations.CreateModel(
            name='OptimizationRun',
            fields=[
                ('status', models.CharField(choices=[('pending', 'Pending'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='pending', max_length=10)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('run_after', models.DateTimeField(default=django.utils.timezone.now)),
                ('lease_expires_at', models.DateTimeField(blank=True, null=True)),
                ('last_error', models.TextField(blank=True, default='')),
                ('id', models.UUIDField(default=accounts.models.lifecycle.new_id, editable=False, primary_key=True, serialize=False)),
                ('outcome', models.CharField(blank=True, choices=[('live', 'Went live'), ('proposed', 'Proposed'), ('no_gain', 'Nothing better found'), ('overtaken', 'Overtaken by an edit')], default='', max_length=10)),
                ('provider', models.CharField(blank=True, default='', max_length=50)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='optimization_runs', to='agents.agent')),
                ('base_version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.agentversion')),
                ('result_version', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='agents.agentversion')),
            ],
            options={
                'db_table': 'optimization_runs',
                'ordering': ['-created_at', '-id'],
                'indexes': [
                    models.Index(condition=models.Q(('status__in', ['pending', 'running'])), fields=['run_after'], name='ix_optimization_unfinished'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Persona',
            fields=[
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('id', models.UUIDField(default=accounts.models.lifecycle.new_id, editable=False, primary_key=True, serialize=False)),
                ('key', models.SlugField()),
                ('name', models.CharField(max_length=100)),
                ('domain', models.CharField(choices=[('sales_rep', 'Sales rep'), ('solution_engineer', 'Solution engineer'), ('support_expert', 'Support expert'), ('domain_specialist', 'Domain specialist'), ('product_expert', 'Product expert')], max_length=30)),
                ('system_prompt', models.TextField()),
                ('tactics', models.JSONField(default=dict)),
                ('organization', models.ForeignKey(blank=True, help_text='Empty for the built-in personas.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='personas', to='accounts.organization')),
            ],
            options={
                'db_table': 'personas',
                'ordering': ['name', 'id'],
                'constraints': [
                    models.UniqueConstraint(fields=('organization', 'key'), name='uq_personas_key', nulls_distinct=False),
                ],
            },
        ),
        migrations.AddField(
            model_name='agentversion',
            name='persona',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='agents.persona'),
        ),
        migrations.AddField(
            model_name='agent',
            name='persona',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='agents', to='agents.persona'),
        ),
    ]
