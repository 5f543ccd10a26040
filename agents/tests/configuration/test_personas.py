import pytest

from agents.configuration.personas import (
    BASE_PERSONAS,
    get_all_persona_keys,
    get_persona,
    get_persona_enum_map,
    sync_personas,
)
from agents.models import DomainExpertiseType, Persona


def test_there_are_five_personas_each_with_prompt_and_tactics():
    assert get_all_persona_keys() == [
        "sales_rep",
        "solution_engineer",
        "support_expert",
        "domain_specialist",
        "product_expert",
    ]
    for key in get_all_persona_keys():
        persona = get_persona(key)
        assert persona["name"]
        assert persona["system_prompt"]
        assert set(persona["tactics"]) == {"style", "steps", "tips"}


def test_an_unknown_persona_is_the_domain_specialist():
    assert get_persona("nobody") == BASE_PERSONAS["domain_specialist"]


def test_every_persona_has_a_domain():
    assert get_persona_enum_map()["sales_rep"] is DomainExpertiseType.SALES_REP
    assert set(get_persona_enum_map()) == set(BASE_PERSONAS)


@pytest.mark.django_db
def test_the_rows_follow_the_definition():
    Persona.objects.filter(key="sales_rep").update(system_prompt="drifted")
    sync_personas()
    assert Persona.objects.count() == 5
    row = Persona.objects.get(key="sales_rep")
    assert row.system_prompt == BASE_PERSONAS["sales_rep"]["system_prompt"]
