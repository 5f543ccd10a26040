"""Links in mails lead to the configured address."""

import re

import pytest
from django.core import mail
from django.urls import reverse

from accounts.sign_in.adapter import at_our_address
from accounts.tests.factories import person_who_signs_in


@pytest.mark.django_db
def test_a_forged_host_does_not_reach_the_reset_mail(
    client, settings, django_capture_on_commit_callbacks
):
    settings.PUBLIC_BASE_URL = "https://agents.example"
    user = person_who_signs_in()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(
            reverse("account_reset_password"),
            {"email": user.email},
            HTTP_HOST="localhost",
        )
    assert "localhost" not in mail.outbox[0].body
    links = re.findall(r"https?://[^\s\"<>]+/password/\S+", mail.outbox[0].body)
    assert links
    assert all(link.startswith("https://agents.example/accounts/") for link in links)


def test_path_and_query_of_a_link_stay(settings):
    settings.PUBLIC_BASE_URL = "https://agents.example"
    assert at_our_address("http://x/a/?b=c") == "https://agents.example/a/?b=c"
