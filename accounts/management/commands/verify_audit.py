import sys
from pathlib import Path

from django.core.management.base import BaseCommand

from accounts.verification import verify_audit

MOST_SHOWN = 50


class Command(BaseCommand):
    help = "Recompute the audit log's chains; exit 1 if anything was changed."

    def add_arguments(self, parser):
        parser.add_argument("--organization", type=int, help="only this one's chain")
        parser.add_argument("--anchor", type=Path, help="another anchor file")

    def handle(self, *, organization, anchor, **options):
        verdict = verify_audit(organization, anchor)
        for problem in verdict.problems[:MOST_SHOWN]:
            self.stdout.write(problem)
        self.stdout.write(
            f"{verdict.rows} rows in {verdict.chains} chains, "
            f"{verdict.anchors} anchors, {verdict.erased} with erased details: "
            f"{len(verdict.problems)} problems."
        )
        if verdict.problems:
            sys.exit(1)
