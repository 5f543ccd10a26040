import logging

from django.core.management.base import BaseCommand

from agents.demo import harbor
from agents.demo.loading import load_demo, renew_password


class Command(BaseCommand):
    help = "Load the Harbor Coffee demo, once, and print how to sign in to it."

    def add_arguments(self, parser):
        parser.add_argument(
            "--new-password",
            action="store_true",
            help="give its people a new password when it is loaded already",
        )

    def handle(self, *, new_password, **options):
        # One line for each of a hundred tasks says nothing to who loads a demo.
        logging.getLogger("django_structlog").setLevel(logging.WARNING)
        demo = load_demo()
        password = demo.password
        if password is None and new_password:
            password = renew_password(demo)
        if password is None:
            self.stdout.write(f"{harbor.NAME} is here already; nothing was changed.")
            self.stdout.write(f"Sign in     {harbor.OWNER}   (password as first shown;")
            self.stdout.write(
                "            manage.py demo --new-password makes another)"
            )
            return
        self.stdout.write(f"Sign in     {harbor.OWNER}   {password}")
        self.stdout.write(f"Operator    {harbor.OPERATOR}   {password}   at /admin/")
