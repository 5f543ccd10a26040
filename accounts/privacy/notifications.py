"""The mails that tell of a closed account and of a deleted organization."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models.organizations import Organization
from accounts.models.users import User


def tell_person(user_id: str) -> bool:
    """Mail somebody whose account is closed; a repetition sends it again."""
    user = User.all_objects.deleted().filter(pk=user_id).first()
    if user is None:
        return False
    _mail("account_closed", "Your account is closed", user.email, {"row": user})
    return True


def tell_owners(organization_id: str) -> int:
    """Mail the owners of a deleted organization; return how many there are."""
    deleted = Organization.all_objects.deleted()
    organization = deleted.filter(pk=organization_id).first()
    if organization is None:
        return 0
    # A name is one line: what a mail header must be.
    subject = " ".join(f"{organization.name} is deleted".split())
    link = settings.PUBLIC_BASE_URL + reverse("accounts:organizations")
    addresses = organization.memberships.owners().values_list("user__email", flat=True)
    # One mail each: owners need not know one another's addresses.
    for address in addresses:
        context = {"row": organization, "link": link}
        _mail("organization_deleted", subject, address, context)
    return len(addresses)


def _mail(name: str, subject: str, address: str, context: dict[str, Any]) -> None:
    site = {"domain": urlsplit(settings.PUBLIC_BASE_URL).netloc}
    context = context | {"current_site": site}
    send_mail(
        subject,
        render_to_string(f"accounts/privacy/email/{name}.txt", context),
        None,
        [address],
        html_message=render_to_string(f"accounts/privacy/email/{name}.html", context),
    )
