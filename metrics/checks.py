"""System checks: rules nobody can count by are found at the start."""

from django.conf import settings
from django.core.checks import Error

LEAST = {
    "METRICS_DEFAULT_XP_AWARD": 0,
    "METRICS_CUSTODY_XP_PER_LEVEL": 1,
    "METRICS_XP_PER_LEVEL": 1,
    "METRICS_PRESTIGE_EVERY": 1,
    "MAX_TEST_HISTORY_SIZE": 0,
    "MAX_LEARNING_PATTERNS_SIZE": 0,
    "MAX_IMPROVEMENT_SUGGESTIONS_SIZE": 0,
}


def check_rules(app_configs, **kwargs):
    return [
        Error(f"{name} must be {least} or more.", id="metrics.E001")
        for name, least in LEAST.items()
        if getattr(settings, name) < least
    ]
