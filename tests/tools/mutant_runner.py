#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make test-mutants` runs in a copy of the checkout: mutant_runner.py REPORT SAMPLE SEED

First all tests run, and it is noted which of them come to which line. Then each mutant is tried by those that come to
its lines, the quickest first, in a process forked from this one, which has imported what takes long.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    del sys.path[0]  # the folder of tools

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from coverage import Coverage

UTILS = Path("plugins/module_utils")
PACKAGES = ("_engine", "_receipts", "_systems")
TESTS = [f"tests/unit/{UTILS}/{name}" for name in PACKAGES]
NOTHING_ELSE = {"Eq_Is", "NotEq_IsNot", "Is_Eq", "IsNot_NotEq"}  # they compare what is the same either way
LOG = "tests.log"
PRELOADED = ("ansible.module_utils.basic", "hypothesis", "requests")  # what takes long, before anything is forked
IMPORTED_ALREADY = "ignore::pytest.PytestAssertRewriteWarning"
PATIENCE, TIMES = 60.0, 10  # seconds that a test of a mutant may take besides so many times what it took without it


@dataclass(frozen=True)
class Mutant:
    """One change of a file: the `occurrence`-th that an operator of cosmic-ray can make there, from line to line."""

    path: str
    operator: str
    occurrence: int
    line: int
    column: int
    last_line: int

    def code(self, source: str) -> str:
        """The changed file."""
        changed = mutate_code(source, get_operator(self.operator)(), self.occurrence)
        assert changed is not None
        return str(changed)

    def is_code(self) -> bool:
        """Whether what it makes of the file is Python. The stars before arguments are taken for signs."""
        try:
            compile(self.code(Path(self.path).read_text(encoding="utf-8")), self.path, "exec")
        except SyntaxError:
            return False
        return True


@dataclass(frozen=True)
class Knowledge:
    """What the tests did without any mutant: seconds by test, and tests by line, by file."""

    seconds: dict[str, float]
    reached: dict[str, dict[str, list[str]]]

    def tests_of(self, mutant: Mutant, source: str) -> list[str]:
        """Those that come to the statement it is in, or to its file where that runs on import; the quickest first."""
        lines = self.reached.get(mutant.path, {})
        statement = statement_at(source, mutant.line, mutant.last_line)
        found: set[str] = set().union(*(lines.get(str(line), ()) for line in statement))
        if "" in found:
            found = set().union(*lines.values())
        return sorted(found - {""}, key=lambda test: self.seconds[test])


class Noting:
    """A plugin of pytest that notes how long tests take, and tells coverage which one is at work."""

    def __init__(self, coverage: Coverage) -> None:
        self.seconds: dict[str, float] = {}
        self._coverage = coverage

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        started = time.monotonic()
        self._coverage.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self._coverage.switch_context("")
            self.seconds[item.nodeid] = time.monotonic() - started


class InTime:
    """A plugin of pytest that ends the process where a test takes far longer than it did without a mutant."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._seconds = knowledge.seconds
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        signal.alarm(int(PATIENCE + TIMES * self._seconds.get(item.nodeid, 0)))
        try:
            return (yield)
        finally:
            signal.alarm(0)


def main() -> int:
    report, sample, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for name in PRELOADED:
        importlib.import_module(name)
    print("Running the tests without any mutant ...", flush=True)
    status, *known = apart(learned, 3600) or (None,)
    if status != 0:
        print(f"The tests do not pass without any mutant (pytest ended with {status}): see {Path(LOG).resolve()}")
        return 1
    knowledge, mutants = Knowledge(*known), chosen(seed)
    places = len(mutants)
    mutants = list(itertools.islice((mutant for mutant in mutants if mutant.is_code()), sample))
    print(f"{len(knowledge.seconds)} tests; {places} places, of which {len(mutants)} are tried", flush=True)
    results = []
    for number, mutant in enumerate(mutants, 1):
        results.append(tried(mutant, knowledge))
        print(f"[{number}/{len(mutants)}] {results[-1]['outcome']}: {results[-1]['where']}", flush=True)
        report.write_text(json.dumps(summary(results, seed, places), indent=1), encoding="utf-8")
    tell(summary(results, seed, places))
    print(f"All of it: {report}")
    return 0


# --- mutants -----------------------------------------------------------------------------------------------------


def chosen(seed: int) -> list[Mutant]:
    """A mutant for each place that has any, in an order that depends on the seed only."""
    places: dict[tuple[str, int, int, int], list[Mutant]] = {}
    for path in sorted(path for name in PACKAGES for path in (UTILS / name).rglob("*.py")):
        for mutant in all_of(path):
            places.setdefault((mutant.path, mutant.line, mutant.column, mutant.last_line), []).append(mutant)
    draw = random.Random(seed)
    mutants = [draw.choice(places[place]) for place in sorted(places)]
    draw.shuffle(mutants)
    return mutants


def all_of(path: Path) -> Iterator[Mutant]:
    source = path.read_text(encoding="utf-8")
    hints = types_in(source)
    nodes = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments() or name.rpartition("ComparisonOperator_")[2] in NOTHING_ELSE:
            continue
        positions = (position for node in nodes for position in operator().mutation_positions(node))
        for occurrence, ((line, column), end) in enumerate(positions):
            if not any(first <= (line, column) and end <= last for first, last in hints):
                yield Mutant(str(path), name, occurrence, line, column, end[0])


def types_in(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where types stand, which nobody evaluates: first and last line and column."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(source)):
        found += [getattr(node, "annotation", None), getattr(node, "returns", None)]
    places = [node for node in found if node is not None]
    return [((one.lineno, one.col_offset), (one.end_lineno or 0, one.end_col_offset or 0)) for one in places]


def statement_at(source: str, first: int, last: int) -> range:
    """The lines of the smallest statement that holds these, without the statements within it."""
    smallest = range(first, last + 1)
    size = float("inf")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and node.lineno <= first and last <= (node.end_lineno or 0):
            body = getattr(node, "body", [])
            end = body[0].lineno - 1 if body and isinstance(body[0], ast.stmt) else node.end_lineno or 0
            if (lines := (node.end_lineno or 0) - node.lineno) < size:
                size, smallest = lines, range(node.lineno, max(end, last) + 1)
    return smallest


# --- trying them -------------------------------------------------------------------------------------------------


def apart(work: Callable[[], Any], seconds: float) -> Any:
    """Do the work in a forked process and return what came of it, None where it took too long or did not end well."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        sys.stdout.flush()
        if (child := os.fork()) == 0:
            os.setsid()
            log = os.open(LOG, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            for number in (0, 1, 2):
                os.dup2(log, number)
            try:
                output.write_text(json.dumps(work()), encoding="utf-8")
            finally:
                os._exit(0)
        signal.signal(signal.SIGALRM, lambda *_unused: os.killpg(child, signal.SIGKILL))
        signal.alarm(int(seconds) + 1)
        os.waitpid(child, 0)
        signal.alarm(0)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what the tests of a mutant have started and not ended
        return json.loads(output.read_text(encoding="utf-8")) if output.exists() else None


def learned() -> tuple[int, dict[str, float], dict[str, dict[str, list[str]]]]:
    """How all tests ended, the seconds that each took, and the tests that came to each line of each file."""
    coverage = Coverage(source=[str(UTILS / name) for name in PACKAGES], data_file=None, config_file=False)
    coverage.set_option("run:core", "ctrace")  # the newer one tells only the first test that comes to a line
    noting = Noting(coverage)
    with coverage.collect():
        status = pytest_run(TESTS, noting)
    data = coverage.get_data()
    reached = {
        str(Path(path).resolve().relative_to(Path.cwd())): {
            str(line): tests for line, tests in data.contexts_by_lineno(path).items()
        }
        for path in data.measured_files()
    }
    return status, noting.seconds, reached


def pytest_run(tests: list[str], *plugins: object) -> int:
    return int(pytest.main(["-q", "-x", "-m", "not slow", "-W", IMPORTED_ALREADY, *tests], list(plugins)))


def tried(mutant: Mutant, knowledge: Knowledge) -> dict[str, Any]:
    """Whether the tests notice a mutant."""
    path, source = Path(mutant.path), Path(mutant.path).read_text(encoding="utf-8")
    tests = knowledge.tests_of(mutant, source)
    changed = mutant.code(source)
    lines = list(difflib.unified_diff(source.splitlines(), changed.splitlines(), n=0, lineterm=""))[3:]
    outcome = "not reached"
    if tests:
        stamp = path.stat()
        try:
            path.write_text(changed, encoding="utf-8")
            os.utime(path, (time.time(), stamp.st_mtime + 1_000_000))  # what was compiled before is not taken for it
            limit = PATIENCE + TIMES * sum(knowledge.seconds[test] for test in tests)
            status = apart(lambda: pytest_run(tests, InTime(knowledge)), limit)
        finally:
            path.write_text(source, encoding="utf-8")
            os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        outcome = {None: "killed by time", 0: "survived"}.get(status, "killed")
    where = f"{mutant.path}:{mutant.line} {' '.join(' '.join(lines).split())[:160]}"
    return {**vars(mutant), "outcome": outcome, "tests": len(tests), "change": lines, "where": where}


# --- telling -----------------------------------------------------------------------------------------------------


def summary(results: list[dict[str, Any]], seed: int, places: int) -> dict[str, Any]:
    """The score, in all and by package, and what every mutant came to."""
    packages = {name: [one for one in results if one["path"].startswith(str(UTILS / name))] for name in PACKAGES}
    scores = {name: score(found) for name, found in {"all": results, **packages}.items() if found}
    return {"seed": seed, "places": places, "scores": scores, "mutants": results}


def score(results: list[dict[str, Any]]) -> dict[str, Any]:
    outcomes = Counter(one["outcome"] for one in results)
    killed = outcomes["killed"] + outcomes["killed by time"]
    return {"tried": len(results), "killed_percent": round(100 * killed / len(results), 1), **outcomes}


def tell(found: dict[str, Any]) -> None:
    print("\nSurvivors:")
    for one in found["mutants"]:
        if not one["outcome"].startswith("killed"):
            print(f"  {one['where']} ({one['outcome']}, {one['tests']} tests)")
    for name, numbers in found["scores"].items():
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in numbers.items()))


if __name__ == "__main__":
    sys.exit(main())
