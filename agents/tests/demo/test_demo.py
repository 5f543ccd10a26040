"""Harbor Coffee, as `manage.py demo` loads it."""

import io
import re
from collections import Counter

import pytest
from django.apps import apps
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Concat

from accounts.models import Membership, Organization, Role, User
from accounts.models.lifecycle import WorkStatus
from agents.configuration.origins import allows
from agents.demo import harbor, loading
from agents.demo.visits import VISITS
from agents.inbox import listing
from agents.models import (
    Agent,
    AgentVersion,
    Document,
    Message,
    OptimizationRun,
    Reply,
    Session,
    VersionOrigin,
)

TEXTS = sorted(harbor.TEXTS.glob("*/*.md"))


def run(*arguments: str) -> str:
    said = io.StringIO()
    call_command("demo", *arguments, stdout=said)
    return said.getvalue()


@pytest.fixture(scope="module")
def printed(django_db_setup, django_db_blocker):
    """What the command printed; loaded once for all tests here, and taken back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield run()
        transaction.set_rollback(True)


@pytest.fixture
def demo(printed, db):
    return Organization.objects.get(name=harbor.NAME)


def everything() -> dict[str, set]:
    return {
        model._meta.label: set(model._base_manager.values_list("pk", flat=True))
        for app in ("accounts", "metrics", "agents", "widget")
        for model in apps.get_app_config(app).get_models()
    }


def test_there_are_twelve_agents_of_every_persona(demo):
    agents = Agent.objects.filter(organization=demo).select_related("persona")
    assert len(agents) == demo.agent_count == 12
    assert len({agent.persona.key for agent in agents}) == 5


def test_every_role_is_there(demo):
    roles = Membership.objects.filter(organization=demo).values_list("role", flat=True)
    assert set(roles) == set(Role)


def test_the_printed_accounts_sign_in(demo, printed):
    for label, email in {"Sign in": harbor.OWNER, "Operator": harbor.OPERATOR}.items():
        password = re.search(rf"{label}\s+{re.escape(email)}\s+(\S+)", printed)[1]
        assert authenticate(None, email=email, password=password).email == email
    assert User.objects.get(email=harbor.OPERATOR).is_superuser
    assert not User.objects.get(email=harbor.OWNER).is_superuser


def test_every_document_can_be_found(demo):
    documents = Document.objects.filter(organization=demo)
    assert len(documents) == len(TEXTS)
    assert {document.status for document in documents} == {WorkStatus.DONE}
    assert all(document.chunk_count >= 3 for document in documents)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_the_texts_are_worth_reading(path):
    text = path.read_text(encoding="utf-8")
    assert 300 <= len(text.split()) <= 900
    assert text.startswith("# ")
    assert len(re.findall(r"\d", text)) >= 9


def test_questions_are_answered_from_the_texts(demo):
    visits = Session.objects.filter(organization=demo).exclude(
        visitor_id__startswith="v_waits"
    )
    replies = Reply.objects.filter(session__in=visits)
    assert replies.count() == sum(len(questions) for *_, questions in VISITS)
    assert {reply.status for reply in replies} == {WorkStatus.DONE}
    answers = Message.objects.filter(session__in=visits, role="assistant")
    cited = [answer for answer in answers if answer.citations]
    assert len(cited) >= 0.85 * len(answers)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How much does express shipping cost?", "$14.95"),
        ("Can I return coffee that I have opened?", "30 days"),
        ("Do gift cards expire?", "never expire"),
        ("Is there a fee for cancelling?", "fee for cancelling"),
        ("How long do I steep cold brew in the fridge?", "16 hours"),
        ("How often should I descale the Harbor One?", "three months"),
        ("Can I use vinegar to descale?", "Never use vinegar"),
        ("Is your decaf made with solvents?", "without solvents"),
        ("Are dogs welcome?", "Dogs on a leash"),
        ("What is the minimum for a first order?", "20 lb"),
        ("When is batch coffee thrown away?", "45 minutes"),
    ],
)
def test_an_answer_says_what_the_text_says(demo, question, expected):
    asked = Message.objects.get(session__organization=demo, content=question)
    assert expected in asked.replies.get().answer.content


@pytest.mark.parametrize(
    ("view", "how_many"), [("waiting", 2), ("unanswered", 1), ("disliked", 1)]
)
def test_the_inbox_is_not_empty_on_the_first_morning(demo, view, how_many):
    mara = User.objects.get(email=harbor.OWNER)
    assert listing.find(demo, mara, view=view).count() >= how_many


def test_what_no_text_says_is_not_made_up(demo):
    asked = Message.objects.get(
        session__organization=demo, content="Do you sell surfboards?"
    )
    assert asked.replies.get().answer.citations == []


def test_conversations_lie_on_many_days(demo):
    sessions = Session.objects.filter(organization=demo)
    days = Counter(session.created_at.date() for session in sessions)
    assert len(days) >= 10
    assert all(session.last_activity_at >= session.created_at for session in sessions)


def test_better_prompts_were_proposed_here_and_now(demo):
    runs = OptimizationRun.objects.filter(agent__organization=demo)
    assert {run.status for run in runs} == {WorkStatus.DONE}
    assert AgentVersion.objects.filter(
        agent__organization=demo, origin=VersionOrigin.OPTIMIZER
    ).exists()


@pytest.mark.parametrize("page", ["http://localhost:5500", "http://127.0.0.1:8080"])
def test_a_page_under_development_may_show_the_shop_support(demo, page):
    agent = Agent.objects.get(organization=demo, name="Shop support")
    assert allows(agent.allowed_origins, page)


def test_a_second_run_changes_nothing(demo):
    before = everything()
    assert "nothing was changed" in run()
    assert everything() == before


def test_a_deleted_demo_does_not_come_back(demo):
    demo.soft_delete()
    before = everything()
    run()
    assert everything() == before


def test_a_new_password_replaces_the_old_one(demo, printed):
    password = re.search(rf"{harbor.OWNER}\s+(\S+)", run("--new-password"))[1]
    assert password not in printed
    assert authenticate(None, email=harbor.OWNER, password=password)


def test_a_load_that_breaks_leaves_nothing(demo, monkeypatch):
    Organization.objects.filter(pk=demo.pk).update(settings={})
    User.objects.update(email=Concat(Value("old-"), "email"))
    before = everything()
    monkeypatch.setattr(loading, "VISITS", [("Nobody", 1, 1, "", ["Hello?"])])
    with pytest.raises(StopIteration):
        run()
    assert everything() == before
