from django.apps import AppConfig


class MetricsConfig(AppConfig):
    """How well agents do: a ledger and a scoreboard."""

    name = "metrics"
