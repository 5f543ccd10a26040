"""Lists that are longer than a scoreboard keeps are trimmed to their newest."""

import pytest

from metrics.models import AgentMetrics

pytestmark = pytest.mark.django_db
URL = "/api/agent-metrics/guardian"
PATTERNS = [f"pattern {n}" for n in range(120)]


def test_a_learning_update_keeps_the_newest_hundred_patterns(api):
    body = {"learning_patterns": PATTERNS, "improvement_suggestions": PATTERNS}
    assert api.post(f"{URL}/learning", body, format="json").status_code == 200
    board = AgentMetrics.objects.get()
    assert board.learning_patterns == PATTERNS[20:]
    assert board.improvement_suggestions == PATTERNS[70:]


def test_an_edit_keeps_the_newest_hundred_patterns_and_fifty_tests(api):
    tests = [{"score": n % 100, "passed": True} for n in range(120)]
    body = {"learning_patterns": PATTERNS, "test_history": tests}
    assert api.put(URL, body, format="json").status_code == 201
    board = AgentMetrics.objects.get()
    assert board.learning_patterns == PATTERNS[20:]
    assert [entry["score"] for entry in board.test_history] == [
        n % 100 for n in range(70, 120)
    ]
