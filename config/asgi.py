"""What the web serves, `config.asgi:application`; `config.serve` starts it."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402

from config.front import BodyLimits, Front  # noqa: E402

application = Front(
    threads=settings.WEB_THREADS, body=BodyLimits(settings.MAX_BODY_BYTES)
)
