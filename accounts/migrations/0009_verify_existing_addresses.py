"""Take the addresses of those who are here already for theirs.

Until now nobody was asked to show it: they came by a mailed invitation, or were made by
an operator. Without this they could not sign in where no mail is sent.
"""

from django.db import migrations


def verify(apps, schema_editor):
    alias = schema_editor.connection.alias
    users = apps.get_model("accounts", "User").objects.using(alias)
    EmailAddress = apps.get_model("account", "EmailAddress")
    addresses = EmailAddress.objects.using(alias)
    addresses.bulk_create(
        [
            EmailAddress(user_id=pk, email=email, verified=True, primary=True)
            for pk, email in users.exclude(pk__in=addresses.values("user_id"))
            .filter(deleted_at=None)
            .values_list("pk", "email")
            .iterator()
        ],
        ignore_conflicts=True,
        batch_size=1000,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_organizations_are_erased"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunPython(verify, migrations.RunPython.noop)]
