"""Who works at Harbor Coffee, what it knows, and the agents it runs."""

from pathlib import Path
from typing import Any

from accounts.models.organizations import Role

TEXTS = Path(__file__).parent / "texts"
NAME = "Harbor Coffee"
HELP = "https://harborcoffee.example/help"
OWNER = "mara@harborcoffee.example"
OPERATOR = "operator@harborcoffee.example"

PEOPLE = {
    OWNER: ("Mara Lindqvist", Role.OWNER),
    "jonas@harborcoffee.example": ("Jonas Berg", Role.ADMIN),
    "priya@harborcoffee.example": ("Priya Raman", Role.EDITOR),
    "tomas@harborcoffee.example": ("Tomas Reyes", Role.VIEWER),
}

# Each pack is a folder of texts.
PACKS = {
    "shop": ("Online shop", "Shipping, returns, payments and gift cards."),
    "subscriptions": ("Subscriptions", "Plans, rhythm, pausing and cancelling."),
    "brewing": ("Brewing guides", "Recipes, water and grind."),
    "beans": ("Coffees", "What we roast, how, and how long it keeps."),
    "machines": ("Machines", "Care and repair of machines and grinders."),
    "stores": ("Stores", "Hours, places, allergens and ingredients."),
    "wholesale": ("Wholesale", "Prices, terms and the first weeks."),
    "company": ("Company", "Our story, sourcing, press and jobs."),
    "handbook": ("Team handbook", "For those who open and close a store."),
}

SITE = ["https://harborcoffee.example", "https://*.harborcoffee.example"]
# Where a page under development is usually served.
DEVELOPMENT = [
    f"http://{host}{port}"
    for host in ("localhost", "127.0.0.1")
    for port in ("", ":3000", ":5173", ":5500", ":8080", ":9000")
]


def agent(name: str, pack: str, persona: str, **wishes: Any) -> dict[str, Any]:
    """Return what `create_agent` is told, the pack still by its folder."""
    defaults = {"industry": "ecommerce", "template": "customer_support"}
    return {"name": name, "pack": pack, "persona_key": persona} | defaults | wishes


AGENTS = [
    agent(
        "Store guide",
        "stores",
        "support_expert",
        description="Hours, places and reservations of the three stores.",
        template="faq_bot",
        allowed_origins=SITE,
        system_prompt=(
            "Help guests plan a visit to one of our three stores. Name the store you "
            "are speaking of. If they do not say which store, list all three."
        ),
    ),
    agent(
        "Allergen desk",
        "stores",
        "domain_specialist",
        description="What is in our food and drinks, said carefully.",
        template="faq_bot",
        industry="healthcare",
        allowed_origins=SITE,
        config={"temperature": 0.1},
        system_prompt=(
            "Answer questions about ingredients and allergens. Be exact. Never say "
            "that something is free of traces. With a severe allergy, ask guests to "
            "speak with the barista before they order."
        ),
    ),
    agent(
        "Shop support",
        "shop",
        "support_expert",
        description="Orders, shipping, returns and payments of the online shop.",
        allowed_origins=SITE + DEVELOPMENT,
        widget_config={
            "welcome_message": "Hello! Ask me about orders, shipping or returns.",
        },
        system_prompt=(
            "Help customers of the online shop with orders, shipping, returns and "
            "payments. Give the deadline and the price that apply. Never ask for a "
            "card number. When an order has to be looked up, hand over to "
            "help@harborcoffee.example."
        ),
    ),
    agent(
        "Subscription helper",
        "subscriptions",
        "support_expert",
        description="Plans, skipping, pausing and cancelling.",
        allowed_origins=SITE,
        widget_config={"position": "bottom-left"},
        system_prompt=(
            "Help subscribers change, skip, pause or cancel, and newcomers choose a "
            "plan. Say where in the account to click, and until when a change counts."
        ),
    ),
    agent(
        "Brewing coach",
        "brewing",
        "domain_specialist",
        description="Recipes and what to change when the cup tastes wrong.",
        template="onboarding_guide",
        industry="education",
        allowed_origins=SITE,
        widget_config={"theme": "minimal"},
        system_prompt=(
            "Coach people who brew at home. Give amounts in grams, times in minutes "
            "and temperatures in Celsius and Fahrenheit. Change one thing at a time."
        ),
    ),
    agent(
        "Bean guide",
        "beans",
        "product_expert",
        description="Finds the coffee that suits a taste and a brewer.",
        template="product_expert",
        allowed_origins=SITE,
        system_prompt=(
            "Help people choose a coffee. Ask how they brew and what they like, and "
            "recommend at most two coffees with price and taste."
        ),
    ),
    agent(
        "Gift finder",
        "beans",
        "sales_rep",
        description="Suggests a present within a budget.",
        template="sales_assistant",
        allowed_origins=SITE,
        widget_config={"size": "small"},
        system_prompt=(
            "Help people find a present. Ask for the budget and for how the recipient "
            "makes coffee. Suggest one coffee and say why it suits."
        ),
    ),
    agent(
        "Machine doctor",
        "machines",
        "solution_engineer",
        description="Care and first aid for the Harbor One and our grinders.",
        template="technical_docs",
        allowed_origins=SITE,
        system_prompt=(
            "Help owners of our machines and grinders. Safety first: plug out, and no "
            "open case within two hours of use. Give part numbers and prices. When a "
            "repair is needed, name service@harborcoffee.example."
        ),
    ),
    agent(
        "Wholesale desk",
        "wholesale",
        "sales_rep",
        description="Prices, terms and first steps for cafés and offices.",
        template="lead_qualification",
        industry="consulting",
        allowed_origins=SITE,
        system_prompt=(
            "Speak with cafés, restaurants and offices that think of buying from us. "
            "Find out how much coffee they use in a week. Quote prices as they are, "
            "promise no discount, and offer a tasting."
        ),
    ),
    agent(
        "Press office",
        "company",
        "domain_specialist",
        description="Facts about the company for journalists and applicants.",
        template="faq_bot",
        system_prompt=(
            "Answer questions about the company, its sourcing and its jobs. Do not "
            "comment on other roasters or on plans."
        ),
    ),
    agent(
        "Barista buddy",
        "handbook",
        "domain_specialist",
        description="The team handbook, for our own people.",
        template="onboarding_guide",
        industry="education",
        system_prompt=(
            "Help colleagues in the stores. Give the step and the number from the "
            "handbook. In an emergency say first: call 911, then the manager."
        ),
    ),
    agent(
        "Returns trainee",
        "shop",
        "support_expert",
        description="A careful draft: its edits wait for a release.",
        release_gate="enforce",
        is_active=False,
        auto_optimize=False,
        system_prompt="Help customers return what they do not like.",
    ),
]
