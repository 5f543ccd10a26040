from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    """Who you are, what you may do, and the record of it."""

    name = "accounts"

    def ready(self):
        from accounts import cache, factors, particulars, sign_ins

        particulars.register_steps()
        sign_ins.watch()
        factors.watch()
        post_migrate.connect(cache.forget_everything, sender=self)
