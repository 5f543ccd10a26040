from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    """Who you are, what you may do, and the record of it."""

    name = "accounts"

    def ready(self):
        from accounts import cache
        from accounts.privacy import own_data
        from accounts.sign_in import recording, second_factors

        own_data.register_steps()
        recording.watch()
        second_factors.watch()
        post_migrate.connect(cache.forget_everything, sender=self)
