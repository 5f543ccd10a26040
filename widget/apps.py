from django.apps import AppConfig


class WidgetConfig(AppConfig):
    """The visitor's door."""

    name = "widget"

    def ready(self):
        from widget import privacy

        privacy.register_steps()
