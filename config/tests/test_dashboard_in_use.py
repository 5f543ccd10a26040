"""The dashboard used in Chromium as people use it: by keyboard, by mouse, plainly."""

import pytest
from playwright.sync_api import expect

from config.tests.browsing import axe_violations
from config.tests.conftest import Visit

# The rows are made once and committed; the mark only asks for the database.
pytestmark = [pytest.mark.browser, pytest.mark.django_db]

# Whether a click on the middle of an element would reach it.
REACHED = """element => {
  const { x, y, width, height } = element.getBoundingClientRect();
  return element.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}"""


def test_open_menus_and_the_palette_are_without_fault(visit):
    page = visit.open_named("agents")
    # The last row: there is no more table for its menu to cover.
    page.locator("tbody tr").last.locator("summary").click()
    assert axe_violations(page) == []
    # The table it stands in cuts nothing off.
    last = page.locator("details[open] .menu-item").last
    assert last.evaluate(REACHED)
    page.keyboard.press("Escape")
    page.locator(".account").click()
    expect(page.get_by_role("button", name="Rye Bakery")).to_be_visible()
    assert axe_violations(page) == []
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Find an agent")).to_be_focused()
    assert axe_violations(page) == []


def test_the_first_stop_of_the_keyboard_skips_to_the_content(visit):
    page = visit.open_named("agents")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_the_palette_opens_an_agent_by_its_name(visit):
    page = visit.open_named("keys")
    page.keyboard.press("Control+k")
    page.keyboard.type("shipping d")
    option = page.get_by_role("listbox").get_by_role("option", name="Shipping desk")
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Shipping desk")


def test_the_palette_goes_to_a_page_by_arrow_keys(visit):
    page = visit.open_named("agents")
    page.keyboard.press("Control+k")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("API keys")


def test_a_menu_opens_moves_and_closes_by_keyboard(visit):
    page = visit.open_named("agents")
    opener = page.get_by_label("More for Shipping desk")
    opener.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    menu = page.locator("details.menu[open]")
    expect(menu.get_by_role("link", name="Edit")).to_be_focused()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    expect(menu).to_have_count(0)


def test_letters_lead_to_the_daily_pages(visit):
    page = visit.open_named("agents")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search agents")
    expect(search).to_be_focused()
    search.press("n")
    expect(search).to_have_value("n")
    search.blur()
    page.keyboard.press("n")
    expect(page.locator("h1")).to_have_text("What should your agent do?")


def test_the_forms_of_the_snippet_change_by_arrow_keys(visit):
    page = visit.open_named("agent")
    page.get_by_role("tab", name="One line").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Two lines")).to_be_focused()
    expect(page.locator("#snippet-two")).to_be_visible()
    expect(page.locator("#snippet-one")).to_be_hidden()


def test_the_snippet_is_copied_as_it_stands(visit, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit.open_named("agent")
    page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(page.locator(".toast")).to_have_text("Copied to the clipboard")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#snippet-one").inner_text()
    assert copied.startswith("<script src=")


def test_the_chosen_theme_is_there_from_the_first_byte(visit, context):
    page = visit.open_named("agents")
    page.get_by_label("Switch between light and dark").first.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    text = page.request.get(page.url).text()
    assert '<html lang="en" dir="ltr" data-theme="dark">' in text


def test_a_deleted_agent_is_back_after_undo(visit):
    page = visit.open_named("agents")
    page.get_by_label("More for Wholesale desk").click()
    page.locator("details[open]").get_by_role("button", name="Delete").click()
    expect(page.locator(".toast")).to_contain_text("Wholesale desk deleted.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("h1")).to_have_text("Wholesale desk")


def test_a_refused_form_takes_the_reader_to_what_is_wrong(visit):
    page = visit.open_named("settings")
    page.get_by_label("Allowed sites").fill("not a site")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_focused()
    field = page.get_by_label("Allowed sites")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert axe_violations(page) == []


def test_a_new_key_is_shown_once_and_accessibly(visit):
    page = visit.open_named("keys")
    page.get_by_label("Name", exact=True).fill("Order service")
    page.get_by_role("checkbox", name="talk with agents").check()
    page.get_by_role("button", name="Create the key").click()
    expect(page.locator("#secret")).to_contain_text("ya_live_")
    assert axe_violations(page) == []
    page.get_by_role("link", name="Done").click()
    expect(page.locator("#secret")).to_have_count(0)


def test_another_organization_is_chosen_in_the_account_menu(context, dashboard):
    # A session of its own: the choice is kept in it.
    context.add_cookies(dashboard.cookies["ada again"])
    page = Visit(context, dashboard).open_named("agents")
    page.locator(".account").click()
    page.get_by_role("button", name="Rye Bakery").click()
    expect(page.locator(".me")).to_contain_text("Rye Bakery")
    expect(page.get_by_role("heading", name="No agent yet")).to_be_visible()


def test_an_agent_is_made_by_keyboard_and_a_better_prompt_proposed_and_released(visit):
    page = visit.open_named("agents")
    page.keyboard.press("n")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("Norway desk")
    page.get_by_label("Title").focus()
    page.keyboard.type("Norway")
    page.get_by_label("Text", exact=True).focus()
    page.keyboard.type("Parcels to Bergen take six working days.")
    page.get_by_role("button", name="Create the agent").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Norway desk")
    proposed = page.get_by_text("Proposed prompt, version 2")
    expect(proposed).to_be_visible(timeout=20_000)
    assert axe_violations(page) == []
    page.get_by_role("button", name="Release version 2").first.click()
    expect(page.get_by_text("Live, version 2")).to_be_visible(timeout=20_000)
    assert visit.complaints == []


def test_a_second_text_gets_fields_of_its_own(visit):
    page = visit.open_named("new agent")
    page.get_by_role("button", name="Another text").click()
    expect(page.locator("#id_documents-1-title")).to_be_focused()
    page.get_by_role("radio", name="A pack you already have").check()
    expect(page.locator("#id_documents-1-title")).to_be_hidden()
    expect(page.get_by_label("Knowledge pack")).to_be_visible()
    assert visit.complaints == []


def test_a_question_is_answered_with_its_source(visit):
    page = visit.open_named("try")
    page.get_by_label("Your question").fill("How long do parcels to Norway take?")
    page.keyboard.press("Enter")
    answer = page.locator(".turn").last
    expect(answer).to_contain_text("five working days", timeout=20_000)
    expect(answer).to_contain_text("Source: Shipping times")
    assert axe_violations(page) == []
    assert visit.complaints == []


def test_what_is_not_in_the_texts_is_not_known(visit):
    page = visit.open_named("try")
    page.get_by_label("Your question").fill("Who won the chess championship in 1972?")
    page.get_by_role("button", name="Send").click()
    answer = page.locator(".turn").last
    expect(answer).to_contain_text("know", timeout=20_000)
    expect(answer.locator(".badge")).to_have_text("No source")


def test_a_result_is_recorded_by_keyboard_and_its_curve_drawn(visit):
    page = visit.open_named("scoreboard, untested")
    expect(page.get_by_text("No result yet")).to_be_visible()
    page.keyboard.press("n")
    page.get_by_label("It failed").focus()
    page.keyboard.press("Space")
    page.get_by_label("Score").fill("31")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("The result is recorded.")
    expect(page.get_by_text("0 of 1").first).to_be_visible()
    expect(page.locator(".uplot canvas").first).to_be_visible()
    page.get_by_text("As a table: Custody tests a day").click()
    newest = page.get_by_role("region", name="Custody tests a day, as a table")
    expect(newest.locator("tbody tr").first).to_contain_text("1")
    assert axe_violations(page) == []
    assert visit.complaints == []


def test_a_leaderboard_is_ordered_without_javascript(chromium, dashboard):
    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies(dashboard.cookies["ada"])
    page = Visit(context, dashboard).open_named("metrics")
    page.get_by_label("Order").select_option("By name")
    page.get_by_role("button", name="Show", exact=True).click()
    table = page.get_by_role("region", name="Table of the leaderboard")
    expect(table.locator("tbody tr").first).to_contain_text("bean-finder")
    page.get_by_text("As a table: Custody tests a day").click()
    table = page.get_by_role("region", name="Custody tests a day, as a table")
    expect(table).to_be_visible()
    context.close()


def test_pages_are_used_without_javascript(chromium, dashboard):
    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies(dashboard.cookies["ada"])
    page = Visit(context, dashboard).open_named("agents")
    page.get_by_role("searchbox", name="Search agents").fill("bean")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Bean finder").click()
    expect(page.locator("h1")).to_have_text("Bean finder")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Description").fill("Finds beans.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".head")).to_contain_text("Finds beans.")
    context.close()
