import pytest

from agents.configuration.settings import (
    AgentConfig,
    InvalidConfiguration,
    WidgetConfig,
    validated,
)


def test_the_widgets_defaults_are_the_documented_ones():
    assert validated(WidgetConfig, {}) == {
        "theme": "modern",
        "position": "bottom-right",
        "size": "medium",
        "animation": "slide-up",
        "branding": True,
        "sound_enabled": False,
        "typing_indicator": True,
        "quick_replies": True,
        "welcome_message": None,
        "custom_css": None,
    }


def test_the_agents_defaults_are_the_documented_ones(settings):
    settings.LLM_MODEL = "some-model"
    assert validated(AgentConfig, {}) == {
        "model": "some-model",
        "temperature": 0.7,
        "max_tokens": 1000,
        "memory_enabled": True,
        "context_optimization": True,
        "response_time_target": 2.0,
        "quality_threshold": 0.8,
        "handover": "on_request",
        "handover_wait_minutes": 5,
    }


def test_every_widget_value_may_be_null():
    nothing = dict.fromkeys(WidgetConfig.model_fields)
    assert validated(WidgetConfig, nothing) == nothing


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([], "invalid_type"),
        ({"a": {"b": {"c": {"d": {"e": 1}}}}}, None),
        ({"a": {"b": {"c": {"d": {"e": {}}}}}}, "nested_too_deeply"),
        ({"a": [[[[[]]]]]}, "nested_too_deeply"),
        ({str(n): n for n in range(501)}, "too_many_keys"),
        ({"a": "x" * 33_000}, "too_large"),
    ],
)
def test_depth_keys_and_size_are_bounded(value, code):
    if code is None:
        assert validated(WidgetConfig, value)["a"] == value["a"]
        return
    with pytest.raises(InvalidConfiguration) as refused:
        validated(WidgetConfig, value)
    assert refused.value.errors[0]["code"] == code
