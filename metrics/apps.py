from django.apps import AppConfig
from django.core import checks


class MetricsConfig(AppConfig):
    """How well agents do: a ledger and a scoreboard."""

    name = "metrics"

    def ready(self):
        from metrics import privacy
        from metrics.checks import check_rules

        privacy.register_steps()
        checks.register(check_rules)
