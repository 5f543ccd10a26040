from django.core.management.base import BaseCommand, CommandError

from config.expected_schema import missing_parts
from config.health import check_database


class Command(BaseCommand):
    help = (
        "Say whether the database answers, is migrated and has everything that its "
        "migrations created; exit 1 if not."
    )
    requires_system_checks = []

    def handle(self, *args, **options):
        for found in check_database():
            line = f"{found['name']}: {found['status']} ({found['latency_ms']} ms)"
            if found["status"] != "healthy":
                reason = found.get("error") or found["details"]
                raise CommandError(f"{line}: {reason}")
            self.stdout.write(line)
        missing = missing_parts()
        for part in missing:
            self.stdout.write(f"missing: {part}")
        if missing:
            raise CommandError(f"schema: {len(missing)} parts are missing.")
        self.stdout.write("schema: complete")
