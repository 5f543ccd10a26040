"""Texts made to hold a worker, the patterns they are put to, and what that costs."""

import ast
import importlib
import pkgutil
import re
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import re2

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "agents", "config", "metrics", "widget")
HALF, WHOLE = 25_000, 50_000
# CPU seconds: what a text may cost, how much more twice the text may, and below what
# a measure of that says nothing: a quadratic pattern takes hundreds of times longer.
MOST, RATIO, FLOOR = 0.25, 3, 0.012
TRIES = 4
NOT_COMPILED = {"escape", "error", "compile", "Pattern", "Match", "Options", "purge"}
INNER = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
PIECES = (
    *(" ", "\n", "\t", "0", "a", "A", ".", "-", "_", "+", "=", "/", "\\", "|", "'"),
    *("`", "*", "#", "<", ">", "[", "]", "(", ")", "!", "&", "\u00e9", "\u4e00"),
    *("\u2028", "\r\n", "- ", "0 ", "0.", "a ", "a, ", "a.", "a@", "a-", "+0", "?a"),
    *("**a ", "__a ", "[a", "[a](", "](", "[1,", "<!--", "<!-- -->", "<a:", "<?a?>"),
    *("https://", "//", "www.", "{{ ", '""', "\n\n", "\n \n", "---\n", "| ", "|a|\n"),
    *("# ", "# a ", " #", "! ", ". ", "a. A", "0 - ", "\u0e01\u0e34", "\u0627 "),
)
RUNS = (" ", "a", "a ", "0", "\n", ", ")
WORDS = re.compile(r"[^\W\d_]{2,30}")


def modules() -> Iterator[Any]:
    """Import and yield every module of the product."""
    for app in APPS:
        package = importlib.import_module(app)
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{app}."):
            parts = found.name.split(".")
            if not {"tests", "migrations", "__main__"} & set(parts):
                yield importlib.import_module(found.name)


@cache
def patterns() -> dict[str, Any]:
    """Return every compiled pattern of the product, by where it stands."""
    found: dict[int, tuple[str, Any]] = {}
    for module in modules():
        for name, value in vars(module).items():
            for where, pattern in within(value, f"{module.__name__}.{name}"):
                if is_ours(module, name):
                    found.setdefault(id(pattern), (where, pattern))
    return dict(sorted(found.values(), key=lambda each: each[0]))


def is_ours(module: Any, name: str) -> bool:
    """Tell a pattern from one that a module imported from elsewhere."""
    return name in assigned(module.__file__)


@cache
def assigned(path: str) -> set[str]:
    """Return the names that a module gives to values itself."""
    return {
        node.id
        for statement in ast.parse(Path(path).read_text()).body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for node in ast.walk(statement)
        if isinstance(node, ast.Name)
    }


def within(value: Any, where: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the patterns in a value, however they are kept."""
    if isinstance(value, re.Pattern | re2._Regexp):
        yield where, value
    elif depth > 4:
        return
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from within(item, f"{where}[{key!r}]", depth + 1)
    elif isinstance(value, list | tuple | set | frozenset):
        for index, item in enumerate(value):
            yield from within(item, f"{where}[{index}]", depth + 1)
    elif is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            item = getattr(value, one.name, None)
            yield from within(item, f"{where}.{one.name}", depth + 1)


def texts_against(pattern: Any) -> Iterator[str]:
    """Yield what a text may repeat, and what it begins with, to cost a pattern much."""
    source = pattern.pattern
    source = source.decode("latin-1") if isinstance(source, bytes) else source
    words = list(dict.fromkeys(WORDS.findall(source)))
    yield from (repeated(piece) for piece in (*PIECES, *words))
    yield from (repeated(f"{word} ") for word in words)
    for word in words[:: max(1, len(words) // 8)]:
        yield from (repeated(run, word) for run in RUNS)
    for piece in PIECES:
        yield repeated(" ", piece)
        yield repeated("a", f"a{piece}")


def texts_against_functions() -> Iterator[str]:
    """Yield the same for functions that put many patterns to a text."""
    for piece in PIECES:
        yield repeated(piece)
        yield repeated(piece, "# a ")
        yield repeated(f"{piece}\n")
        yield repeated(f"a {piece} ")


def repeated(piece: str, before: str = "") -> str:
    """Write a long text that ends as no pattern wants it to."""
    times = (WHOLE - len(before)) // len(piece)
    return f"{before}{piece * times}\x01"


class TooSlow(Exception):
    """A text took more than any may; it is not waited for."""


def cost(work: Callable[[str], Any], text: str, tries: int = 1) -> float:
    """Return the CPU seconds that a text costs, at best."""

    def stop(*_: Any) -> None:
        raise TooSlow

    best = float("inf")
    before = signal.signal(signal.SIGPROF, stop)
    try:
        for _ in range(tries):
            signal.setitimer(signal.ITIMER_PROF, MOST * 6)
            started = time.process_time()
            work(text)
            best = min(best, time.process_time() - started)
    except TooSlow:
        return min(best, MOST * 6)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return best


def complaint(work: Callable[[str], Any], text: str) -> str:
    """Say how a text costs more than it may, or nothing."""
    half = text[: HALF - 1] + text[-1:]
    # What looks dear once may have been disturbed: then the best of a few counts.
    for tries in (1, TRIES):
        once = cost(work, half, tries)
        if once < FLOOR:
            return ""
        twice = cost(work, text, tries)
        if twice <= min(MOST, RATIO * once):
            return ""
    return f"{text[:24]!r}…: {once * 1000:.0f} ms, then {twice * 1000:.0f} ms"


def put_to(pattern: Any) -> Callable[[str], None]:
    """Return what looks for a pattern everywhere in a text, and in the whole of it."""

    def work(text: str) -> None:
        given = text.encode() if isinstance(pattern.pattern, bytes) else text
        deque(pattern.finditer(given), maxlen=0)
        pattern.fullmatch(given)

    return work


def inline_patterns() -> Iterator[str]:
    """Yield where a pattern is written inside a function, or used without a name."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts):
                yield from _inline_in(path)


def _inline_in(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    inner = {
        id(node)
        for part in ast.walk(tree)
        if isinstance(part, INNER)
        for node in ast.walk(part)
    }
    for node in ast.walk(tree):
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in ("re", "re2")
        ):
            continue
        name, module = node.func.attr, node.func.value.id
        # A pattern of somebody else's is always given to RE2, whose time is linear.
        pattern = next(iter(node.args), None)
        is_given = module == "re2" and isinstance(pattern, ast.Name)
        is_inline = name == "compile" and id(node) in inner and not is_given
        if is_inline or name not in NOT_COMPILED:
            yield f"{path.relative_to(ROOT)}:{node.lineno}"
