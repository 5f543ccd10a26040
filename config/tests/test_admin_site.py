"""The operators' site: every page of every model, for operators alone."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.audit.log import record
from accounts.models import (
    APIKey,
    AuditAction,
    AuditLog,
    Invitation,
    RateLimitTier,
    WebhookEndpoint,
)
from accounts.organizations.members import token_of
from accounts.tests.factories import OperatorFactory
from agents.models import Agent, Message, ProviderAccount
from agents.tests.factories import AgentFactory
from config.tests.every_row import fill
from widget.models import WidgetSession, digest

pytestmark = pytest.mark.django_db
OURS = {"accounts", "metrics", "agents", "widget"}
MODELS = [model for model in apps.get_models() if model._meta.app_label in OURS]
READ_ONLY = {
    "renewal",
    "browsersession",
    "idempotencykey",
    "invitation",
    "webhookendpoint",
    "webhookdelivery",
    "webhookattempt",
    "apikey",
    "auditlog",
    "auditdetail",
    "audithead",
    "auditanchor",
    "agentmetrics",
    "metricevent",
    "metricstotal",
    "agentversion",
    "optimizationrun",
    "chunk",
    "documentfile",
    "knowledgesource",
    "sourcepage",
    "vectorindex",
    "custodytest",
    "custodyrun",
    "custodyresult",
    "agentbudget",
    "usagemonth",
    "usageday",
    "agentstats",
    "reservation",
    "session",
    "message",
    "reply",
    "rating",
    "retentionpolicy",
    "tag",
    "widgetsession",
    "refreshtoken",
    "sessionsummary",
    "provideraccount",
    "inboxentry",
    "note",
    "cannedreply",
    "inboxpreference",
    "inboxnotice",
}


def address(model, page, *args) -> str:
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


@pytest.fixture
def operator(db):
    return OperatorFactory(email="op@example.com")


@pytest.fixture
def site(operator):
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture
def rows(ada, operator):
    """One row at least of every model; a raw key."""
    return fill(ada)


def test_every_model_has_pages():
    assert {model for model in MODELS if not admin.site.is_registered(model)} == set()


@pytest.fixture
def secrets(rows, operator):
    """What no page may show."""
    operator.set_password("a long enough passphrase")
    operator.save()
    key, invitation = APIKey.objects.get(), Invitation.objects.get()
    return [
        rows,
        key.key_hash,
        operator.password,
        operator.password[-20:],
        digest("a refresh token"),
        token_of(invitation),
        invitation.token_hash,
        *WebhookEndpoint.objects.get().secrets,
        WebhookEndpoint.objects.get().encrypted_secret,
        "sk-very-secret",
        ProviderAccount.objects.get().encrypted_key,
    ]


def pages_of(model, client) -> list:
    row = model._base_manager.first()
    pages = [
        client.get(address(model, "changelist")),
        client.get(address(model, "changelist"), {"q": "a"}),
        client.get(address(model, "change", row.pk)),
    ]
    if model._meta.model_name not in READ_ONLY:
        pages.append(client.get(address(model, "add")))
    return pages


# The rows are made once for all models: they take longer than the pages.
def test_every_page_of_a_model_opens_without_secret_or_inline_code(
    client, operator, secrets
):
    client.force_login(operator)
    wrong = []
    for model in MODELS:
        pages = pages_of(model, client)
        shown = "".join(page.content.decode() for page in pages)
        faults = [page.status_code for page in pages if page.status_code != 200]
        faults += [secret for secret in secrets if secret in shown]
        faults += re.findall(r"<style|<script(?![^>]*\bsrc=)[^>]*>", shown)
        wrong += [f"{model._meta.model_name}: {fault}" for fault in faults]
    assert wrong == []


def test_a_search_for_what_cannot_be_stored_finds_nothing(site, rows):
    response = site.get(address(Agent, "changelist"), {"q": "\x00"})
    assert response.status_code == 200


def test_what_may_not_be_written_cannot_be(site, rows):
    read_only = [model for model in MODELS if model._meta.model_name in READ_ONLY]
    assert len(read_only) == len(READ_ONLY)
    wrong = []
    for model in read_only:
        row = model._base_manager.first()
        chosen = {
            "action": "delete_selected",
            "_selected_action": row.pk,
            "post": "yes",
        }
        answers = [
            site.get(address(model, "add")),
            site.post(address(model, "change", row.pk), {}),
            site.post(address(model, "delete", row.pk), {}),
        ]
        site.post(address(model, "changelist"), chosen | {"post": "yes"})
        if {answer.status_code for answer in answers} != {403}:
            wrong.append(f"{model._meta.model_name} may be written")
        if not model._base_manager.filter(pk=row.pk).exists():
            wrong.append(f"{model._meta.model_name} was deleted")
    assert wrong == []


def test_a_member_who_is_no_operator_is_refused_everywhere(client, ada):
    client.force_login(ada.user)
    for model in MODELS:
        response = client.get(address(model, "changelist"))
        assert response["Location"].startswith(reverse("admin:login"))
    assert client.get(response["Location"]).status_code == 403


def test_staff_without_superuser_is_refused(client, ada):
    ada.user.is_staff = True
    ada.user.save()
    client.force_login(ada.user)
    assert client.get(reverse("admin:index"), follow=True).status_code == 403


def test_a_stranger_is_sent_to_the_one_sign_in_page(client, db):
    response = client.get(reverse("admin:index"), follow=True)
    assert response.redirect_chain[-1][0].startswith(reverse("account_login"))
    assert "next=%2Fadmin%2F" in response.redirect_chain[-1][0].replace("/", "%2F")


def test_the_site_takes_no_password_of_its_own(client, operator):
    operator.set_password("a long enough passphrase")
    operator.save()
    form = {"username": operator.email, "password": "a long enough passphrase"}
    response = client.post(reverse("admin:login"), form)
    assert response.status_code == 302
    assert "_auth_user_id" not in client.session


def test_signing_out_ends_the_session(site):
    response = site.post(reverse("admin:logout"))
    assert response.status_code == 307
    site.post(response["Location"])
    assert "_auth_user_id" not in site.session


@pytest.mark.parametrize("how_many", [1, 20])
def test_the_list_of_agents_costs_the_same_however_long(
    site, ada, how_many, django_assert_num_queries
):
    AgentFactory.create_batch(how_many, organization=ada.organization)
    site.get(address(Agent, "changelist"))
    # The session, the user, their memberships, the count, the page.
    with django_assert_num_queries(5):
        site.get(address(Agent, "changelist"))


def test_the_front_page_links_to_every_model(site, rows):
    shown = site.get(reverse("admin:index")).content.decode()
    links = {address(model, "changelist") for model in MODELS}
    assert {link for link in links if link not in shown} == set()


def test_the_audit_log_refuses_even_a_forged_form(site, rows, operator):
    row = record(
        action=AuditAction.UPDATE, resource_type="user", resource_id="1", actor=operator
    )
    url = address(AuditLog, "change", row.pk)
    assert site.post(url, {"action": "READ"}).status_code == 403
    assert AuditLog.objects.get(pk=row.pk).action == AuditAction.UPDATE


def test_messages_of_one_conversation_are_listed(site, rows):
    message = Message.objects.get(role="user")
    url = address(Message, "changelist")
    shown = site.get(url, {"session__id__exact": message.session_id})
    assert "When do you open?" in shown.content.decode()


def test_an_operator_revokes_keys(site, rows, operator):
    key = APIKey.objects.get()
    form = {"action": "revoke", "_selected_action": key.pk}
    site.post(address(APIKey, "changelist"), form)
    assert APIKey.all_objects.get(pk=key.pk).is_deleted
    row = AuditLog.objects.get(resource_type="api_key", action=AuditAction.DELETE)
    assert (row.user, row.resource_id) == (operator, str(key.pk))


def test_an_operator_withdraws_invitations(site, rows):
    invitation = Invitation.objects.get()
    form = {"action": "revoke", "_selected_action": invitation.pk}
    site.post(address(Invitation, "changelist"), form)
    assert not Invitation.objects.get().is_open


def test_an_operator_ends_widget_sessions(site, rows, ada):
    session = WidgetSession.objects.get()
    form = {"action": "revoke", "_selected_action": session.pk}
    site.post(address(WidgetSession, "changelist"), form)
    assert WidgetSession.objects.get().is_over
    row = AuditLog.objects.get(resource_type="widget_session")
    assert row.organization_id == ada.organization_id


def test_a_tier_is_no_secret(site, rows):
    """The control: what is not secret is shown, so the search above can find."""
    shown = site.get(address(APIKey, "changelist")).content.decode()
    assert RateLimitTier.FREE.label in shown
    assert APIKey.objects.get().key_prefix in shown
