"""The mail that carries an invitation's link."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models.invitations import Invitation
from accounts.organizations.members import token_of


def link_of(invitation: Invitation) -> str:
    path = reverse("accounts:invitation", args=[token_of(invitation)])
    return settings.PUBLIC_BASE_URL + path


def send(invitation_id: str) -> bool:
    """Send the mail if the invitation is still open; a repetition sends it again."""
    invitation = (
        Invitation.objects.open()
        .filter(pk=invitation_id, organization__deleted_at=None)
        .select_related("organization", "invited_by")
        .first()
    )
    if invitation is None:
        return False
    context = {
        "invitation": invitation,
        "link": link_of(invitation),
        "current_site": {"domain": urlsplit(settings.PUBLIC_BASE_URL).netloc},
    }
    # A name is one line: what a mail header must be.
    subject = " ".join(f"Join {invitation.organization.name} on YourAgent".split())
    send_mail(
        subject,
        render_to_string("accounts/organizations/email/invitation.txt", context),
        None,
        [invitation.email],
        html_message=render_to_string(
            "accounts/organizations/email/invitation.html", context
        ),
    )
    return True
