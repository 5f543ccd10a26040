import sys

from django.core.management.base import BaseCommand

from agents.lifecycle.reconciliation import find_drifts, repair_count


class Command(BaseCommand):
    help = "Compare each organization's counter of agents with its living agents."

    def add_arguments(self, parser):
        parser.add_argument(
            "--repair", action="store_true", help="correct what is wrong"
        )

    def handle(self, *, repair, **options):
        drifts = find_drifts()
        for drift in drifts:
            self.stdout.write(
                f"{drift.name} ({drift.organization_id}):"
                f" counted {drift.counted}, living {drift.living}"
            )
        if repair:
            repaired = [repair_count(drift.organization_id) for drift in drifts]
            self.stdout.write(f"{sum(map(bool, repaired))} repaired.")
        elif drifts:
            sys.exit(1)
        else:
            self.stdout.write("Every counter is right.")
