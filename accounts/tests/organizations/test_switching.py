"""Which organization somebody looks at, who belongs to several."""

import pytest
from django.urls import reverse

from accounts.models import Membership
from accounts.tests.factories import MembershipFactory, OrganizationFactory

KEYS = reverse("accounts:api_keys")


def test_a_member_of_two_looks_at_the_one_chosen(browser_of, ada):
    other = OrganizationFactory(name="Rye Bakery")
    MembershipFactory(user=ada.user, organization=other)
    client = browser_of(ada)
    url = reverse("accounts:switch_organization")
    assert client.post(url, {"organization": other.pk}).status_code == 302
    assert "Rye Bakery · owner" in client.get(KEYS).content.decode()


@pytest.mark.parametrize("asked", ["", "x", "-1", "1" * 30, "\u0661"])
def test_a_switch_to_nonsense_is_not_found(browser_of, ada, asked):
    url = reverse("accounts:switch_organization")
    assert browser_of(ada).post(url, {"organization": asked}).status_code == 404


def test_a_stranger_cannot_switch_to_our_organization(browser_of, ada, cy):
    url = reverse("accounts:switch_organization")
    asked = {"organization": ada.organization_id}
    assert browser_of(cy).post(url, asked).status_code == 404


def test_a_removed_member_falls_back_to_an_organization_of_theirs(browser_of, ada):
    other = MembershipFactory(user=ada.user, organization__name="Rye Bakery")
    client = browser_of(ada)
    client.post(
        reverse("accounts:switch_organization"), {"organization": other.organization_id}
    )
    Membership.objects.filter(pk=other.pk).delete()
    assert "Harbor Coffee · owner" in client.get(KEYS).content.decode()
