from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_sign_in_by_openid_connect")]

    operations = [
        migrations.AddField(
            "organization",
            "erased_at",
            models.DateTimeField(blank=True, editable=False, null=True),
        )
    ]
