from django.core.management.base import BaseCommand, CommandError

from accounts.models.organizations import Organization
from metrics.replay import verify

SHOWN = 50


class Command(BaseCommand):
    help = (
        "Replay the ledger and compare every scoreboard; exit 1 when one differs. "
        "After a change of the METRICS_ settings, --repair applies the new rules."
    )

    def add_arguments(self, parser):
        parser.add_argument("--organization", type=int, metavar="ID")
        parser.add_argument(
            "--repair", action="store_true", help="rebuild what differs"
        )

    def handle(self, *args, organization, repair, **options):
        of = None
        if organization is not None:
            of = Organization.all_objects.filter(pk=organization).first()
            if of is None:
                raise CommandError(f"There is no organization {organization}.")
        report = verify(organization=of, repair=repair)
        for difference in report.differences[:SHOWN]:
            self.stdout.write(str(difference))
        if (more := len(report.differences) - SHOWN) > 0:
            self.stdout.write(f"... and {more} more")
        self.stdout.write(
            f"Rows checked: {report.rows}. Events replayed: {report.events}. "
            f"Differences: {len(report.differences)}."
        )
        if repair:
            self.stdout.write(f"Rows rebuilt: {report.repaired}.")
        elif report.differences:
            raise CommandError("The scoreboards are not what the ledger says.")
