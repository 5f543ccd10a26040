"""How often an account may be guessed at: strangers use up their own share alone.

Whoever keeps failing is refused at their address. What many strangers use up together
stops browsers nobody knows, never one its owner has signed in with before, nor one in
which a new password was just chosen by mail. So nobody is locked out of their account.
"""

from allauth.core.internal import ratelimit
from django.http import HttpRequest

from accounts.sign_in import known_devices

# For each: at one address, or in the known browsers; and in all others together.
RATES = {
    "password": ("10/m/ip,5/300s/key", "100/h/key"),
    "code": ("10/m/ip,5/300s/key", "100/h/key"),
    # Mails that somebody asks for who is not signed in.
    "mail": ("20/m/ip,5/h/key", "10/h/key"),
}


def take(
    request: HttpRequest, what: str, account: str
) -> ratelimit.RateLimitUsage | None:
    """Count a guess at an account, named by its address; None if there were too many.

    Roll the usage back when it was no guess.
    """
    own, together = RATES[what]
    account = account.strip().lower()
    if known_devices.is_known(request, account):
        return _count(request, what, own, f"{account}:known")
    usage = _count(request, what, own, f"{account}:{ratelimit.get_ip(request)}")
    if usage is None:
        return None
    others = _count(request, f"{what}_together", together, account)
    if others is None:
        return None
    usage.usage += others.usage
    return usage


def _count(
    request: HttpRequest, action: str, rates: str, key: str
) -> ratelimit.RateLimitUsage | None:
    return ratelimit.consume(
        request, app="accounts", action=action, config={action: rates}, key=key
    )
