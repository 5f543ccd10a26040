import accounts.models.lifecycle
import accounts.models.users
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('id', models.UUIDField(default=accounts.models.lifecycle.new_id, editable=False, primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254, unique=True)),
                ('name', models.CharField(blank=True, max_length=255)),
                ('provider', models.CharField(choices=[('azure_ad', 'Azure AD'), ('aws_cognito', 'Amazon Cognito'), ('local', 'Email and password')], default='local', max_length=20)),
                ('provider_user_id', models.CharField(blank=True, max_length=255)),
                ('roles', models.JSONField(blank=True, default=list, validators=[accounts.models.users.validate_names])),
                ('is_active', models.BooleanField(default=True)),
                ('is_staff', models.BooleanField(default=False)),
                ('session_epoch', models.PositiveIntegerField(default=0, editable=False)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'db_table': 'users',
                'abstract': False,
                'base_manager_name': 'all_objects',
                'indexes': [
                    models.Index(fields=['provider'], name='ix_users_provider'),
                    models.Index(fields=['provider_user_id'], name='ix_users_provider_user_id'),
                    models.Index(fields=['is_active'], name='ix_users_is_active'),
                    models.Index(fields=['provider', 'provider_user_id'], name='ix_users_provider_both'),
                    models.Index(fields=['email', 'deleted_at'], name='ix_users_email_deleted'),
                    models.Index(fields=['is_active', 'deleted_at'], name='ix_users_active_deleted'),
                ],
                'constraints': [
                    models.UniqueConstraint(condition=models.Q(('deleted_at', None)), fields=('provider', 'provider_user_id'), name='uq_users_provider_identity'),
                    models.CheckConstraint(condition=models.Q(('provider__in', ['azure_ad', 'aws_cognito', 'local'])), name='ck_users_provider'),
                ],
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('all_objects', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('role', models.CharField(choices=[('owner', 'Owner'), ('admin', 'Admin'), ('editor', 'Editor'), ('viewer', 'Viewer')], default='viewer', max_length=10)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'memberships',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('role__in', ['owner', 'admin', 'editor', 'viewer'])), name='ck_memberships_role'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Organization',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('name', models.CharField(max_length=255)),
                ('plan', models.CharField(choices=[('free', 'Free'), ('pro', 'Pro'), ('enterprise', 'Enterprise')], default='free', max_length=20)),
                ('agent_count', models.PositiveIntegerField(default=0, editable=False)),
                ('max_agents', models.IntegerField()),
                ('max_members', models.IntegerField()),
                ('max_documents', models.IntegerField()),
                ('max_messages_per_month', models.IntegerField()),
                ('max_tokens_per_month', models.BigIntegerField()),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('members', models.ManyToManyField(related_name='organizations', through='accounts.Membership', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'organizations',
                'ordering': [django.db.models.functions.text.Lower('name'), 'id'],
                'abstract': False,
                'base_manager_name': 'all_objects',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('max_agents__gte', -1), ('max_documents__gte', -1), ('max_members__gte', -1), ('max_messages_per_month__gte', -1), ('max_tokens_per_month__gte', -1)), name='ck_organizations_limits'),
                    models.CheckConstraint(condition=models.Q(('plan__in', ['free', 'pro', 'enterprise'])), name='ck_organizations_plan'),
                ],
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('all_objects', django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddField(
            model_name='membership',
            name='organization',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='accounts.organization'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(fields=('organization', 'user'), name='uq_memberships_once'),
        ),
    ]
