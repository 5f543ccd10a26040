from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who you are, what you may do, and the record of it."""

    name = "accounts"

    def ready(self):
        from accounts import sign_ins

        sign_ins.watch()
