import json
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models.organizations import Organization
from metrics.adoption import adopt, former_figures


class Command(BaseCommand):
    help = "Open the scoreboards of agent types, and take over figures kept elsewhere."

    def add_arguments(self, parser):
        parser.add_argument(
            "--types",
            nargs="*",
            default=settings.METRICS_DEFAULT_TYPES,
            help="agent types that shall have a row",
        )
        parser.add_argument(
            "--from", dest="source", type=Path, help="JSON with figures by agent type"
        )
        parser.add_argument("--organization", type=int, metavar="ID")
        parser.add_argument("--report", type=Path, help="write the report to this file")
        parser.add_argument(
            "--self-test", action="store_true", help="try every operation, keep nothing"
        )

    def handle(self, *args, types, source, organization, report, self_test, **options):
        found = adopt(
            organization=self.organization(organization),
            types=types,
            former=self.former(source) if source else None,
            with_self_test=self_test,
        )
        text = json.dumps(found, indent=2, ensure_ascii=False)
        if report:
            report.write_text(text + "\n")
        else:
            self.stdout.write(text)
        summary = found["summary"]
        if found["migration_status"] != "completed":
            raise CommandError(f"{summary['failed_migrations']} agent types failed.")
        self.stderr.write(f"{summary['successful_migrations']} agent types are there.")

    def organization(self, pk):
        """Return the organization named, or the only one there is."""
        living = Organization.objects.order_by("pk")
        found = list(living.filter(pk=pk) if pk is not None else living[:2])
        if len(found) != 1:
            raise CommandError("Say which organization: --organization ID.")
        return found[0]

    def former(self, path):
        try:
            return former_figures(json.loads(path.read_text()))
        except (OSError, ValueError) as error:
            raise CommandError(f"{path}: {error}") from None
