"""Print the slowest tests of all stages, and one line that counts them."""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

SLOWEST = 20


def main(reports: list[str]) -> int:
    """Read the stages' JUnit files; fail if no test ran."""
    times, counts = [], {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for report in map(Path, reports):
        if not report.is_file():
            print(f"{report.stem}: the stage left no report")
            return 1
        root = ET.parse(report).getroot()  # noqa: S314 (written by our own pytest)
        for suite in root.iter("testsuite"):
            for name in counts:
                counts[name] += int(suite.get(name, 0))
        times += [
            (float(case.get("time", 0)), f"{case.get('classname')}::{case.get('name')}")
            for case in root.iter("testcase")
        ]
    print(f"== slowest {SLOWEST}")
    for seconds, name in sorted(times, reverse=True)[:SLOWEST]:
        print(f"{seconds:7.2f}s {name}")
    failed = counts["failures"] + counts["errors"]
    passed = counts["tests"] - failed - counts["skipped"]
    print(f"{passed} passed, {failed} failed, {counts['skipped']} skipped")
    return int(failed > 0 or passed == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
