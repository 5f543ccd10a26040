import sys
from pathlib import Path

from django.core.management.base import BaseCommand

from accounts.audit.log import begin_anchor
from accounts.audit.verification import verify_audit

MOST_SHOWN = 50


class Command(BaseCommand):
    help = "Recompute the audit log's chains; exit 1 if anything was changed."

    def add_arguments(self, parser):
        parser.add_argument("--organization", type=int, help="only this one's chain")
        parser.add_argument("--anchor", type=Path, help="another anchor file")
        parser.add_argument(
            "--new-anchor",
            action="store_true",
            help="after a restore: put the anchor file aside and begin another",
        )

    def handle(self, *, organization, anchor, new_anchor, **options):
        if new_anchor:
            aside = begin_anchor()
            self.stdout.write(
                f"The old anchor file is {aside}."
                if aside
                else "There was no anchor file."
            )
            return
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
