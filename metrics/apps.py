from django.apps import AppConfig
from django.core import checks


class MetricsConfig(AppConfig):
    """How well agents do: a ledger and a scoreboard."""

    name = "metrics"

    def ready(self):
        from metrics.checks import check_rules

        checks.register(check_rules)
