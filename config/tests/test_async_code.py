"""Asynchronous code must not touch the database, nor hop to threads on its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ("accounts", "metrics", "agents", "widget", "config")
DATABASE = {
    *("objects", "all_objects", "connection", "connections", "transaction"),
    *("save", "asave", "delete", "adelete", "refresh_from_db", "arefresh_from_db"),
    *("aget", "afirst", "alast", "acount", "aexists", "acreate", "abulk_create"),
    *("aupdate", "aget_or_create", "aupdate_or_create", "aiterator", "auser"),
    *("select_related", "prefetch_related", "select_for_update", "values_list"),
}
# Those that give a stream's connections back are those that may hop.
MAY_HOP = {
    "config/front.py",
    "agents/conversations/event_stream.py",
    "agents/completions/stream.py",
}


def sources() -> list[str]:
    found = (path for app in HOUSE for path in ROOT.joinpath(app).rglob("*.py"))
    paths = (path.relative_to(ROOT) for path in found)
    return sorted(
        path.as_posix()
        for path in paths
        if not {"tests", "migrations"} & set(path.parts)
    )


def run_on_the_loop(function: ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """Walk the function without the synchronous functions it defines."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def database_names(source: str) -> set[str]:
    return {
        name
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.AsyncFunctionDef)
        for node in run_on_the_loop(function)
        for name in (getattr(node, "attr", ""), getattr(node, "id", ""))
        if name in DATABASE
    }


def hops(source: str) -> bool:
    return "sync_to_async" in {
        getattr(node, "id", getattr(node, "attr", ""))
        for node in ast.walk(ast.parse(source))
    }


@pytest.mark.parametrize("path", sources())
def test_asynchronous_code_leaves_the_database_alone(path):
    source = ROOT.joinpath(path).read_text()
    # The front closes the connections that others left open.
    allowed = {"connections"} if path == "config/front.py" else set()
    assert database_names(source) <= allowed
    assert not hops(source) or path in MAY_HOP


@pytest.mark.parametrize(
    "body",
    [
        "await Agent.objects.aget(pk=1)",
        "agent.save()",
        "[name async for name in rows.values_list('name')]",
        "with transaction.atomic(): pass",
    ],
)
def test_the_check_sees_a_query_in_asynchronous_code(body):
    assert database_names(f"async def view(request):\n    {body}")


def test_the_check_lets_a_synchronous_function_inside_be():
    source = """
async def view(request):
    def decide():
        return Agent.objects.get(pk=1)
    return await open_stream(decide)
"""
    assert not database_names(source)
