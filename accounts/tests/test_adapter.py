"""Links in mails lead to the configured address."""

import re

import pytest
from django.core import mail
from django.urls import reverse

from accounts.adapter import at_our_address
from accounts.tests.factories import UserFactory


@pytest.mark.django_db
def test_a_forged_host_does_not_reach_the_reset_mail(client, settings):
    settings.PUBLIC_BASE_URL = "https://agents.example"
    user = UserFactory()
    client.post(
        reverse("account_reset_password"), {"email": user.email}, HTTP_HOST="localhost"
    )
    links = re.findall(r"https?://[^\s\"<>]+/password/\S+", mail.outbox[0].body)
    assert links
    assert all(link.startswith("https://agents.example/accounts/") for link in links)


def test_path_and_query_of_a_link_stay(settings):
    settings.PUBLIC_BASE_URL = "https://agents.example"
    assert at_our_address("http://x/a/?b=c") == "https://agents.example/a/?b=c"
