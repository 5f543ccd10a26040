"""Many with the same code at once: one of them is the first owner."""

import pytest

from accounts.models import Membership, Organization
from accounts.sign_in import first_owner
from accounts.sign_in.first_owner import (
    AlreadySetUp,
    create_first_owner,
    issue_setup_code,
)
from metrics.tests.together import Meeting, at_once

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def untouched(monkeypatch, settings, tmp_path):
    monkeypatch.setattr(first_owner, "_is_known", False)
    settings.DATA_DIR = tmp_path
    settings.AUDIT_ANCHOR = tmp_path / "anchor.log"


def owners_made(count, monkeypatch):
    """Let so many with the right code meet right before they make an owner."""
    code = issue_setup_code()
    meeting = Meeting()
    before = meeting.before(first_owner.create_organization)
    monkeypatch.setattr(first_owner, "create_organization", before)

    def create(number):
        try:
            return create_first_owner(
                code=code,
                name=f"Owner {number}",
                email=f"owner{number}@example.com",
                password="correct-horse-battery",
                organization=f"Organization {number}",
            )
        except AlreadySetUp:
            return None

    return [each for each in at_once(count, create) if each]


def test_two_with_the_same_code_make_one_owner(monkeypatch):
    assert len(owners_made(2, monkeypatch)) == 1
    assert Membership.objects.count() == Organization.objects.count() == 1


def test_without_the_lock_both_would_be_owners(monkeypatch):
    monkeypatch.setattr(first_owner, "lock_setup", lambda: None)
    assert len(owners_made(2, monkeypatch)) == 2
