"""Hold the size budget: small functions, small files, short tests."""

import ast
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUNCTION_MEDIAN, FUNCTION_P95, FUNCTION_MAX = 8, 40, 60
FILE_P95, FILE_MAX = 330, 400
TEST_MEDIAN = 12


def percentile(values: list[int], share: float) -> int:
    """Return the value that this share of all does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def own_files() -> list[Path]:
    """List the Python files we wrote: tracked, and not migrations."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [
        ROOT / name
        for name in listed.stdout.split()
        if "/migrations/" not in name and (ROOT / name).is_file()
    ]


def functions_of(path: Path) -> list[tuple[int, str]]:
    """Return each function's length and its place."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            place = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            found.append((node.end_lineno - node.lineno + 1, place))
    return found


def main() -> int:
    """Print the figures, then whatever is over the budget."""
    files, functions, tests = [], [], []
    for path in own_files():
        lines = path.read_text().count("\n")
        files.append((lines, str(path.relative_to(ROOT))))
        for length, place in functions_of(path):
            is_test = "tests" in path.parts and place.split()[1].startswith("test_")
            (tests if is_test else functions).append((length, place))
    lengths = [length for length, _ in functions]
    sizes = [lines for lines, _ in files]
    budget = [
        ("function median", statistics.median(lengths), FUNCTION_MEDIAN),
        ("function p95", percentile(lengths, 0.95), FUNCTION_P95),
        ("file p95", percentile(sizes, 0.95), FILE_P95),
        ("test median", statistics.median([n for n, _ in tests]), TEST_MEDIAN),
    ]
    over = [
        f"{length} lines, over {most}: {place}"
        for found, most in (
            (functions, FUNCTION_MAX),
            (tests, FUNCTION_MAX),
            (files, FILE_MAX),
        )
        for length, place in sorted(found, reverse=True)
        if length > most
    ]
    for name, value, most in budget:
        print(f"{name}: {value:g} (at most {most})")
        if value > most:
            over.append(f"{name} is {value:g}, over {most}")
    print("\n".join(over) or "Within the budget.")
    return int(bool(over))


if __name__ == "__main__":
    sys.exit(main())
