"""The pages of model accounts, and the choice of a model in an agent's settings."""

import pytest
from django.urls import reverse

from agents.models import Agent, ProviderAccount
from agents.tests.factories import AgentFactory, ProviderAccountFactory
from agents.tests.maker import LOOPBACK, making, refusing

pytestmark = pytest.mark.django_db
PAGE = "/models/"
FORM = {"name": "OpenAI", "kind": "openai", "api_key": "sk-very-secret-1234"}


@pytest.fixture
def browser(browser_of, ada):
    return browser_of(ada)


@pytest.fixture
def account(harbor):
    return ProviderAccountFactory(organization=harbor, known_models=["small-1", "big"])


def address(name, account):
    return reverse(f"agents:{name}", args=[account.pk])


def settings_of(account, **changes):
    names = ("name", "kind", "base_url", "default_model", "silence_seconds")
    return {name: getattr(account, name) for name in names} | changes


def test_without_an_account_the_page_says_what_that_means(browser):
    page = browser.get(PAGE).content.decode()
    assert "No account yet" in page
    assert 'aria-current="page"' in page


def test_a_new_accounts_key_is_on_no_page(browser):
    page = browser.post(PAGE, FORM, follow=True).content.decode()
    account = ProviderAccount.objects.get()
    assert "OpenAI is connected. Test it now." in page
    page += browser.get(PAGE).content.decode()
    assert "sk-very" not in page
    assert account.encrypted_key not in page
    assert "1234" in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "other"}, "Enter its base URL"),
        ({"base_url": "https://10.0.0.1/v1"}, "no public address"),
        ({"name": ""}, "This field is required"),
        ({"api_key": "two words"}, "visible ASCII"),
    ],
)
def test_a_wrong_value_is_said_at_its_field_and_no_key_comes_back(
    browser, change, said
):
    answer = browser.post(PAGE, FORM | change)
    page = answer.content.decode()
    assert (answer.status_code, said in page) == (422, True)
    assert "sk-very" not in page
    assert not ProviderAccount.objects.exists()


def test_an_account_is_changed_and_keeps_its_key(browser, account, settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    path = address("model_account", account)
    form = settings_of(account, default_model="big", is_enabled="on")
    browser.post(path, form)
    account.refresh_from_db()
    assert (account.default_model, account.api_key) == ("big", "sk-very-secret-1234")
    browser.post(path, form | {"is_enabled": ""})
    assert "Switched off" in browser.get(path).content.decode()


def test_a_test_tells_how_it_went(browser, account, settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    path = address("test_model_account", account)
    with making() as maker:
        ProviderAccount.objects.update(base_url=maker.base_url)
        page = browser.post(path, follow=True).content.decode()
        assert f"{account.name} works." in page
        assert "large-1" in page
        maker.will(refusing(401))
        page = browser.post(path, follow=True).content.decode()
    assert "refused the API key" in page


def test_an_account_is_made_the_default_and_deleted(browser, account):
    browser.post(address("default_model_account", account))
    account.refresh_from_db()
    assert account.is_default
    browser.post(address("delete_model_account", account))
    assert not ProviderAccount.objects.exists()


def test_strangers_and_viewers_are_kept_out(client, bo, cy, account):
    names = ["model_account", "test_model_account", "default_model_account"]
    for member, status in ((bo, 403), (cy, 404)):
        client.force_login(member.user)
        for name in [*names, "delete_model_account"]:
            answer = client.post(address(name, account))
            assert answer.status_code == status
    client.force_login(bo.user)
    assert client.get(PAGE).status_code == 403
    assert "/models/" not in client.get("/agents/").content.decode()


# --- The choice -------------------------------------------------------------
def edit_form(browser, agent):
    path = reverse("agents:edit", args=[agent.public_id])
    form = browser.get(path).context["form"]
    values = {bound.name: bound.value() for bound in form}
    sent = {name: value for name, value in values.items() if value not in (None, False)}
    return path, sent


def test_an_agents_settings_offer_the_accounts_models(browser, harbor, account):
    agent = AgentFactory(organization=harbor, config={"model": "grounded"})
    path, form = edit_form(browser, agent)
    page = browser.get(path).content.decode()
    assert f'<optgroup label="{account.name}">' in page
    assert form["model"] == "grounded"
    browser.post(path, form | {"model": "big"})
    agent = Agent.objects.get()
    assert agent.config["model"] == "big"
    answer = browser.post(path, form | {"model": "nonsense"})
    assert answer.status_code == 422


def test_a_model_that_is_offered_no_more_stays_until_another_is_chosen(browser, harbor):
    agent = AgentFactory(organization=harbor, config={"model": "gone-1"})
    path, form = edit_form(browser, agent)
    assert "Offered by no account" in browser.get(path).content.decode()
    detail = browser.get(reverse("agents:detail", args=[agent.public_id]))
    assert "No account offers it" in detail.content.decode()
    browser.post(path, form | {"name": "Renamed"})
    agent = Agent.objects.get()
    assert (agent.name, agent.config["model"]) == ("Renamed", "gone-1")
