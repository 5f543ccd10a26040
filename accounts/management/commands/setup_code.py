"""Print the code that makes the first owner at /setup/."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.sign_in.first_owner import AlreadySetUp, OtherDatabase, issue_setup_code


class Command(BaseCommand):
    help = "Print the code that makes the first owner, while there is no user."

    def handle(self, *args, **options):
        try:
            code = issue_setup_code()
        except AlreadySetUp:
            self.stdout.write("There are users: sign in.")
        except OtherDatabase as error:
            raise CommandError(error.detail) from None
        else:
            self.stdout.write(f"Open {settings.PUBLIC_BASE_URL}/setup/")
            self.stdout.write(f"Setup code: {code}   (valid for 24 hours)")
