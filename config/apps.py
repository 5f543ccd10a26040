import gc
from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.backends.signals import connection_created

from config.database import echo_sql


class Config(AppConfig):
    """The project itself: its commands and system checks."""

    name = "config"

    def ready(self):
        # Celery's application becomes the current one in every process.
        import_module("config.celery")
        import_module("config.checks")
        connection_created.connect(echo_sql, dispatch_uid="echo_sql")
        gc.freeze()
        gc.enable()


class Admin(AdminConfig):
    """Django's admin with our site."""

    default_site = "config.admin_site.OperatorSite"
