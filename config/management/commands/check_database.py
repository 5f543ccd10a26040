from django.core.management.base import BaseCommand, CommandError

from config.health import check_database


class Command(BaseCommand):
    help = "Say whether the database answers and is migrated; exit 1 if not."
    requires_system_checks = []

    def handle(self, *args, **options):
        for found in check_database():
            line = f"{found['name']}: {found['status']} ({found['latency_ms']} ms)"
            if found["status"] != "healthy":
                reason = found.get("error") or found["details"]
                raise CommandError(f"{line}: {reason}")
            self.stdout.write(line)
