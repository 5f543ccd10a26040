"""Whatever an operator changes leaves one row in the audit log.

Every model's forms and actions are taken from the site. One that is new fails here
until it leaves a row.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse

from accounts.models import Membership, Organization, Role, User
from accounts.organizations.deletion import delete_organization
from accounts.privacy.account_closing import close_account
from accounts.tests.factories import PASSWORD, MembershipFactory, UserFactory
from agents.lifecycle.deletion import delete_agent
from agents.models import Agent, Document, KnowledgePack, Persona
from agents.tests.factories import DocumentFactory, KnowledgePackFactory
from config.tests.recording import attempt, once
from config.tests.test_admin_site import operator, rows, site  # noqa: F401

pytestmark = pytest.mark.django_db
PERSONA = {"domain": "support_expert", "system_prompt": "Brew, and say so."}
# What is filled in, or changed, of a form.
FORMS = {
    "organization": {"name": "Rye Bakery", "plan": "pro"},
    "user": {"name": "Eve Baker"},
    "membership": {"role": Role.EDITOR},
    "group": {"name": "Night shift"},
    "agent": {"name": "Bean finder"},
    "persona": {"key": "barista", "name": "Barista"} | PERSONA,
    "knowledgepack": {"name": "Returns"},
    "document": {"title": "Returns", "content": "Thirty days."},
}


class Deed(NamedTuple):
    """One thing an operator can do to a row of a model, or to make one."""

    model: type
    name: str

    def __str__(self) -> str:
        return f"{self.model._meta.model_name} {self.name}"

    def address(self, *args) -> str:
        page = self.name if self.name in PAGES else "changelist"
        meta = self.model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


PAGES = ("add", "change", "delete")


def deeds(request) -> list[Deed]:
    """Return all that operators may do, as the site itself tells it."""
    return [
        Deed(model, name)
        for model, page in admin.site._registry.items()
        for name in (
            *(
                each
                for each in PAGES
                if getattr(page, f"has_{each}_permission")(request)
            ),
            *page.get_actions(request),
        )
    ]


@pytest.fixture
def targets(rows, ada):  # noqa: F811
    """The row of each model that something is done to."""
    person = UserFactory(email="eve@example.com")
    person.emailaddress_set.all().delete()
    TOTP.activate(person, generate_totp_secret())
    company = MembershipFactory(organization__name="Rye").organization
    mine = {"organization": ada.organization}
    return {
        User: person,
        Organization: company,
        Membership: MembershipFactory(user=person, role=Role.VIEWER, **mine),
        Group: Group.objects.create(name="Day shift"),
        Agent: Agent.objects.get(),
        Persona: Persona.objects.create(key="cook", name="Cook", **PERSONA, **mine),
        KnowledgePack: KnowledgePackFactory(**mine),
        Document: DocumentFactory(knowledge_pack__organization=ada.organization),
    }


# What else is chosen where something is made.
CHOSEN = {
    Membership: lambda known: {
        "user": UserFactory().pk,
        "organization": known[Organization].pk,
    },
    Agent: lambda known: {"organization": known[Organization].pk},
    Persona: lambda known: {"organization": known[Organization].pk},
    KnowledgePack: lambda known: {"organization": known[Organization].pk},
    Document: lambda known: {"knowledge_pack": known[KnowledgePack].pk},
    User: lambda known: {
        "email": "new@example.org",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    },
}
# What has to be so before it can be done.
BEFORE: dict[str, Callable] = {
    "organization use_plan_limits": lambda row, by: Organization.objects.filter(
        pk=row.pk
    ).update(max_agents=77),
    "organization restore": lambda row, by: delete_organization(
        organization=row, actor=by
    ),
    "user restore": lambda row, by: close_account(user=row, actor=by),
    "agent restore": lambda row, by: delete_agent(agent=row, actor=by),
}
# Closing an account also takes its memberships, each a row of its organization.
LEAVES_TWO = {"user delete", "user delete_selected"}


def sent(deed: Deed, browser, known, row) -> dict:
    """Return what the page's own form would send, changed as said above."""
    if deed.name == "delete":
        return {"post": "yes"}
    if deed.name not in PAGES:
        return {"action": deed.name, "_selected_action": row.pk, "post": "yes"}
    shown = browser.get(deed.address(*([row.pk] if deed.name == "change" else [])))
    form = shown.context["adminform"].form
    values = {field.html_name: field.value() for field in form}
    values |= {
        name: value
        for name, value in FORMS[deed.model._meta.model_name].items()
        if name in values
    }
    if deed.name == "add" and deed.model in CHOSEN:
        values |= CHOSEN[deed.model](known)
    return {n: value for n, value in values.items() if value not in (None, False)}


@pytest.fixture
def outcomes(request):
    """What came of every deed, tried once for all tests of this file."""
    return once(request, tried)


@pytest.fixture
def tried(rf, operator, site, targets):  # noqa: F811
    """What came of every deed: the answer, and the rows it left."""
    request, done = rf.get("/"), []
    request.user = operator
    for deed in deeds(request):
        row = targets.get(deed.model) or deed.model._base_manager.first()
        arguments = [row.pk] if deed.name in ("change", "delete") else []
        form = sent(deed, site, targets, row)
        before = BEFORE.get(str(deed))
        answer, left = attempt(
            site,
            "post",
            deed.address(*arguments),
            encode_multipart(BOUNDARY, form),
            MULTIPART_CONTENT,
            prepare=before and (lambda b=before, r=row: b(r, operator)),
        )
        done.append((deed, answer, left))
    return done


def test_whatever_an_operator_changes_leaves_one_row(outcomes):
    wrong = [
        f"{deed} {answer.status_code}: {[str(row) for row in left]}"
        for deed, answer, left in outcomes
        if len(left) != 1 + (str(deed) in LEAVES_TWO)
    ]
    assert wrong == []
    # Each model that may be written, by each way there is.
    assert len(outcomes) >= 30


def test_every_row_names_the_operator_and_the_answer(outcomes):
    left = [(answer, row) for _, answer, made in outcomes for row in made]
    assert {row.actor_type for _, row in left} == {"user"}
    # Nobody else did anything.
    assert len({row.user_id for _, row in left}) == 1
    wrong = [
        f"{row}: {row.response_status}, not {answer.status_code}"
        for answer, row in left
        if row.response_status != answer.status_code
    ]
    assert wrong == []
