"""What is kept of people and organizations is all given out, and all erased."""

import io
import json
import zipfile

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.audit.verification import verify_audit
from accounts.models import AuditLog, Organization, User, WorkStatus
from accounts.models.lifecycle import LeasedWork
from accounts.organizations.deletion import (
    delete_organization,
    erase_organization,
    restore_organization,
)
from accounts.privacy.account_closing import close_account, erase_account
from accounts.privacy.archives import archive
from accounts.privacy.registry import Kind, Visitor, sections
from accounts.tests.factories import MembershipFactory
from accounts.tests.privacy.test_account_closing import everything_stored
from accounts.work.leases import wanted
from agents.models import Message, Session
from agents.replies import production
from agents.tests.factories import SessionFactory
from config.tests.kept import FILES
from config.tests.test_admin_site import MODELS, operator, rows  # noqa: F401
from widget.models import WidgetSession
from widget.tests.conftest import Visitor as Browser
from widget.tests.factories import SpeakingAgentFactory

pytestmark = pytest.mark.django_db
QUESTION = "Do you ship to Norway?"
SECRET_COLUMNS = {
    "password",
    "key_hash",
    "token_hash",
    "encrypted_secret",
    "encrypted_key",
    "encrypted_previous_secret",
    "digest",
}


def given_out(kind, subject) -> dict[str, list[dict]]:
    whole = zipfile.ZipFile(
        io.BytesIO(b"".join(archive("somebody", sections(kind, subject))))
    )
    return {
        name.removesuffix(".jsonl"): [
            json.loads(line) for line in whole.read(name).decode().splitlines()
        ]
        for name in whole.namelist()
        if name.endswith(".jsonl")
    }


@pytest.fixture
def world(request, harbor, ada):
    """One row of every model, a visitor who has asked, and Ada's own talk."""
    request.getfixturevalue("rows")
    agent = SpeakingAgentFactory(
        organization=harbor, name="Finder", created_by=ada.user
    )
    browser = Browser(agent)
    browser.enter()
    browser.say(QUESTION)
    talk = SessionFactory(agent_ref=agent, visitor_id="", user=ada.user)
    talk.add_message("user", "Is this on?")
    return WidgetSession.objects.get(agent=agent)


def columns_of(files) -> set[str]:
    return {name for told in files.values() for row in told[:1] for name in row}


def test_an_organization_is_given_out_whole_and_without_secrets(world, harbor):
    files = given_out(Kind.ORGANIZATION, harbor)
    assert set(FILES.values()) | {"conversation_tags"} == files.keys()
    # The only personas are the built-in ones, and no conversation is filed.
    empty = {name for name, told in files.items() if not told}
    assert empty == {"personas", "conversation_tags"}
    assert not columns_of(files) & SECRET_COLUMNS


def test_an_export_holds_nothing_of_another_organization(world, cy):
    SessionFactory(agent_ref__organization=cy.organization).add_message("user", "Hm?")
    files = given_out(Kind.ORGANIZATION, cy.organization)
    assert [row["content"] for row in files["messages"]] == ["Hm?"]
    assert QUESTION not in json.dumps(files)
    assert len(files["agents"]) == 1


def rows_about(organization_id: int) -> dict[str, int]:
    """Count the rows of every model that still point at an organization."""
    left = {}
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if field.related_model is Organization:
                rows = model._base_manager.filter(**{field.attname: organization_id})
                left[model.__name__] = rows.count()
    return {name: count for name, count in left.items() if count}


def test_nothing_of_an_erased_organization_is_left_but_its_chain(world, harbor):
    assert len(rows_about(harbor.pk)) > 10
    chain = AuditLog.objects.for_organization(harbor.pk)
    # Its deletion, and which details were erased.
    length = chain.count() + 2
    delete_organization(organization=harbor, actor=None)
    erase_organization(organization=harbor, actor=None)
    assert rows_about(harbor.pk) == {}
    assert not WidgetSession.objects.exists()
    assert not Message.objects.exists()
    assert chain.count() == length
    assert QUESTION not in everything_stored()
    assert verify_audit().problems == []


def test_the_ledger_of_a_living_organization_cannot_be_deleted(world):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute("DELETE FROM metric_events")


def test_a_deleted_organizations_work_waits_until_it_is_back(world, harbor):
    reply = world.agent.sessions.get(channel="widget").replies.get()
    delete_organization(organization=harbor, actor=None)
    assert production.produce(reply.pk) is None
    restore_organization(organization=harbor, actor=None)
    assert production.produce(reply.pk).status == WorkStatus.DONE


def test_every_kind_of_work_knows_its_organization():
    kinds = [model for model in apps.get_models() if issubclass(model, LeasedWork)]
    assert len(kinds) >= 6
    for model in kinds:
        assert not model._base_manager.filter(wanted(model)).exists()


def test_a_person_is_given_out_with_their_conversations(world, ada):
    files = given_out(Kind.PERSON, ada.user)
    assert files["account"][0]["email"] == "ada@example.com"
    assert [row["content"] for row in files["messages"]] == ["Is this on?"]
    assert "Finder" in {row["name"] for row in files["authored/agents"]}
    assert files["activity"]
    assert not columns_of(files) & SECRET_COLUMNS


def test_what_points_at_a_person_goes_or_forgets_them(world, harbor, ada):
    MembershipFactory(organization=harbor)
    close_account(user=ada.user, actor=ada.user)
    erase_account(user_id=ada.user_id)
    pointing = [
        field
        for model in MODELS
        for field in model._meta.concrete_fields
        if field.related_model is User and model is not AuditLog
    ]
    assert len(pointing) > 8
    for field in pointing:
        left = field.model._base_manager.filter(**{field.attname: ada.user_id})
        assert not left.exists(), field
    stored = everything_stored()
    assert "ada@example.com" not in stored
    assert "Is this on?" not in stored
    assert QUESTION in stored


def test_a_visitor_is_given_out_and_erased_alone(world, harbor):
    files = given_out(Kind.VISITOR, Visitor(harbor, world.visitor_id))
    assert [row["content"] for row in files["messages"]] == [QUESTION]
    assert files["visits"][0]["origin"] == world.origin
    others = Session.all_objects.exclude(visitor_id=world.visitor_id).count()
    call_command("privacy", "erase-visitor", str(harbor.pk), world.visitor_id)
    assert world.visitor_id not in everything_stored()
    assert Session.all_objects.count() == others


def test_another_organizations_visitor_is_unknown_here(world, cy):
    theirs = (str(cy.organization_id), world.visitor_id)
    with pytest.raises(CommandError, match="Nothing is kept"):
        call_command("privacy", "erase-visitor", *theirs)


def test_an_operator_gives_out_closes_and_erases_by_command(bo, tmp_path):
    path = tmp_path / "bo.zip"
    call_command("privacy", "export-person", "bo@example.com", "--to", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert zipfile.ZipFile(path).testzip() is None
    call_command("privacy", "close-account", "BO@example.com")
    call_command("privacy", "reopen-account", "bo@example.com")
    assert User.objects.filter(pk=bo.user_id).exists()
    call_command("privacy", "erase-person", "bo@example.com")
    assert not User.all_objects.filter(pk=bo.user_id).exists()


def test_an_operator_deletes_restores_and_erases_an_organization(ada, tmp_path):
    number = str(ada.organization_id)
    call_command(
        "privacy", "export-organization", number, "--to", str(tmp_path / "o.zip")
    )
    call_command("privacy", "delete-organization", number)
    call_command("privacy", "restore-organization", number)
    assert Organization.objects.filter(pk=number).exists()
    call_command("privacy", "erase-organization", number)
    assert not Organization.all_objects.filter(pk=number).exists()


def test_a_refusal_is_said_in_words(ada):
    with pytest.raises(CommandError, match="Nobody else owns Harbor Coffee"):
        call_command("privacy", "erase-person", "ada@example.com")
    with pytest.raises(CommandError, match="nobody of this address"):
        call_command("privacy", "close-account", "nobody@example.com")
