#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the project's checks, some at a time, and end with how many passed and failed.

A check writes to a log of its own below .cache/logs; where it fails, the end of its log is shown and the others go on.
`--quick` leaves out all that takes more than a minute. Start it by `make test` or `make test-quick`, which prepare its
environment.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree

from coverage import Coverage

from tests.tools.stage import CHECKOUT, listed_files, stage

CACHE = CHECKOUT / ".cache"
LOGS = CACHE / "logs"
SUMMARY = LOGS / "summary.txt"
PLUGINS = "ansible_collections.assetops.imports.plugins"
EVENT_SOURCES = "ansible_collections.assetops.imports.extensions.eda"

AT_ONCE = 4  # on two processors: tests wait for more than half of their time
SAY_SOMETHING_EVERY = 30.0
MEMORY = Path("/dev/shm")
ROOM = 4 * 1024**3  # bytes that must be free there
TIME_LIMIT = 3600.0  # for one command, in seconds: nothing hangs for ever
CUT_OFF = "cut off"
TAIL = 60  # lines of a failed check's log
NAMED = 20  # tests that failed
UNMEASURED = re.compile(r"/test_\w*(crash|crowd|faults|lies|results|secret)\w*\.py$")
"""Integration tests that coverage would slow down by a third, and that go where others go: what they alone cover is
less than half a percent."""
GITHUB = {
    "github-workflows": ".github/workflows/*.yml",
    "dependabot": ".github/dependabot.yml",
    "github-issue-config": ".github/ISSUE_TEMPLATE/config.yml",
    "github-issue-forms": ".github/ISSUE_TEMPLATE/[!c]*.yml",
}


class CheckError(Exception):
    """A check did not pass; the message says why in a few words."""


@dataclass(frozen=True)
class Count:
    passed: int = 1
    failed: int = 0
    note: str = ""
    name: str = ""


class Log:
    """Runs a check's commands, one after the other, and keeps what they print."""

    _running: ClassVar[set[subprocess.Popen[str]]] = set()

    def __init__(self, name: str) -> None:
        self.path = LOGS / (re.sub(r"\W+", "-", name) + ".log")
        self._file = self.path.open("w", encoding="utf-8")

    def close(self) -> None:
        self._file.close()

    def text(self) -> str:
        return self.path.read_text(encoding="utf-8", errors="replace")

    def tail(self, lines: int) -> list[str]:
        return [line for line in self.text().splitlines() if line.strip()][-lines:]

    def say(self, line: str) -> None:
        self._file.write(line + "\n")
        self._file.flush()

    def run(self, *command: str, cwd: Path = CHECKOUT, env: dict[str, str] | None = None) -> None:
        """Run one command; what is not 0 at its end is a failure of the check."""
        status = self.status(*command, cwd=cwd, env=env)
        if status:
            raise CheckError(f"{Path(command[0]).name} ended with {status}")

    def status(self, *command: str, cwd: Path = CHECKOUT, env: dict[str, str] | None = None) -> int:
        """Run one command and return its exit status."""
        self.say("$ " + " ".join(command))
        with subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, "NO_COLOR": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            self._running.add(process)
            try:
                return process.wait(TIME_LIMIT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise CheckError(f"{CUT_OFF} after {TIME_LIMIT:.0f} s, at: {''.join(self.tail(1))}") from None
            finally:
                self._running.discard(process)

    @classmethod
    def end_all(cls) -> None:
        """End what runs at the moment, with all that it started."""
        for process in list(cls._running):
            os.killpg(process.pid, signal.SIGTERM)


@dataclass(frozen=True)
class Check:
    name: str
    run: Callable[[Log], Count]
    quick: bool = False


def tracked(*patterns: str) -> list[str]:
    """The checkout's files that match one of the patterns."""
    names = [str(name) for name in sorted(listed_files(CHECKOUT)) if any(name.match(pattern) for pattern in patterns)]
    if not names:
        raise CheckError(f"there is no file {' or '.join(patterns)}")
    return names


# --- linters -----------------------------------------------------------------------------------------------------


def ruff(log: Log) -> Count:
    # Both are wanted even where the first one finds something.
    found = [log.status("ruff", "check", "--output-format=concise", "."), log.status("ruff", "format", "--check", ".")]
    if any(found):
        raise CheckError("ruff check or ruff format")
    return Count(passed=2)


def mypy(log: Log) -> Count:
    packages = ["tests", PLUGINS, EVENT_SOURCES] + ["benchmarks"] * (CHECKOUT / "benchmarks").is_dir()
    log.run("mypy", *(argument for name in packages for argument in ("-p", name)))
    return Count(note=log.tail(1)[0])


def yamllint(log: Log) -> Count:
    log.run("yamllint", "--strict", ".yamllint", ".ansible-lint", *tracked("*.yml", "*.yaml"))
    return Count()


def shellcheck(log: Log) -> Count:
    log.run("shellcheck", ".ci/run", *tracked("*.sh"))
    return Count()


def ansible_lint(log: Log) -> Count:
    log.run("ansible-lint")
    return Count()


def licenses(log: Log) -> Count:
    log.run("reuse", "lint")
    return Count()


def forms(log: Log) -> Count:
    """The files that GitHub reads, by the schemas that come with the tool."""
    for schema, pattern in GITHUB.items():
        log.run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *tracked(pattern))
    return Count(passed=len(GITHUB))


# --- documentation -----------------------------------------------------------------------------------------------


def changelog(log: Log) -> Count:
    log.run("antsibull-changelog", "lint")
    return Count()


def documentation(log: Log) -> Count:
    command = ("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=all", ".")
    status = log.status(*command)
    # The tool's temporary folder has a random name; one in 37 ends with "_", which makes it a link to nowhere on pages.
    if status and 'Unknown target name: "antsibull-docs-' in log.text():
        status = log.status(*command)
    if status:
        raise CheckError(f"antsibull-docs ended with {status}")
    return Count()


def site(log: Log) -> Count:
    """What `make docs` does. A link to nowhere is a warning, and so an error."""
    log.run(sys.executable, "-m", "tests.tools.docs")
    return Count()


# --- tests -------------------------------------------------------------------------------------------------------


def unit_tests(part: int, parts: int, *, quick: bool = False) -> Callable[[Log], Count]:
    """Those in each so-manieth file: all of them would keep one processor busy long after the others."""
    options = ["-m", "not slow"] if quick else []
    return lambda log: pytest(log, *tests_in("unit")[part - 1 :: parts], *options, measured=not quick)


def integration_tests(part: int, parts: int, *, measured: bool) -> Callable[[Log], Count]:
    names = [name for name in tests_in("integration") if measured != bool(UNMEASURED.search(name))]
    return lambda log: pytest(log, *names[part - 1 :: parts], "-m", "not slow", measured=measured)


def slow_integration_tests(part: int, parts: int) -> Callable[[Log], Count]:
    """Coverage would take a quarter of their time, and they come by little that the others do not."""
    return lambda log: pytest(log, *tests_in("integration")[part - 1 :: parts], "-m", "slow", measured=False)


def tests_in(folder: str) -> list[str]:
    """The files with tests there, in an order in which those of one subject, which take as long, are neighbours."""
    return [name for name in tracked("test_*.py") if name.startswith(f"tests/{folder}/")]


def pytest(log: Log, *which: str, measured: bool) -> Count:
    """Run some of the tests. Programs that measured tests start are measured too: see pyproject.toml."""
    report = log.path.with_suffix(".xml")
    under = ["-m", "coverage", "run"] if measured else []
    # By name, so that the log tells at which test it was cut off.
    status = log.status(sys.executable, *under, "-m", "pytest", "--verbose", f"--junitxml={report}", *which)
    return counted(log, report, status)


def counted(log: Log, report: Path, status: int) -> Count:
    """What pytest, which ended with this status, wrote in its report and said about its tests."""
    if not report.exists():
        raise CheckError(f"pytest ended with {status}")
    numbers = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        for name in numbers:
            numbers[name] += int(suite.get(name, 0))
    failed = numbers["failures"] + numbers["errors"]
    passed = max(0, numbers["tests"] - failed - numbers["skipped"])
    if (status and not failed) or not passed:
        failed += 1
    named = re.findall(r"^(?:FAILED|ERROR) tests/(\S+)", log.text(), re.MULTILINE)[:NAMED]
    note = f"{passed} passed, {failed} failed, {numbers['skipped']} skipped"
    return Count(passed, failed, ": ".join([note, ", ".join(named)]) if named else note)


def molecule(log: Log) -> Count:
    """Each scenario from its beginning to its end: see extensions/molecule/config.yml."""
    log.run("molecule", "test", "--all")
    return Count(passed=len(tracked("extensions/molecule/*/molecule.yml")))


def coverage(log: Log) -> Count:
    """What the measured tests together covered. The bar holds for statements and for branches, each taken alone."""
    report = CACHE / "coverage/report.json"
    log.run("coverage", "combine", "--quiet")
    log.run("coverage", "json", "--quiet", "--fail-under=0", "-o", str(report))
    log.run("coverage", "report", "--fail-under=0")
    totals = json.loads(report.read_text())["totals"]
    least = Coverage().get_option("report:fail_under")
    assert isinstance(least, float)
    statements, branches = totals["percent_statements_covered"], totals.get("percent_branches_covered", 0.0)
    note = f"{statements:.1f} % of statements and {branches:.1f} % of branches of plugins are covered"
    if min(statements, branches) < least:
        return Count(passed=0, failed=1, note=f"{note}, less than {least:.0f} %")
    return Count(note=note)


# --- ansible-test and Galaxy -------------------------------------------------------------------------------------


def prepare_ansible_test() -> None:
    """ansible-test hands down HOME but no other variable, to pip neither."""
    cache = Path.home() / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    # The version of pip that an ansible-core uses is part of the name.
    for version in ("24_2", "25_2"):
        shutil.copy2(CHECKOUT / "tests/tools/get_pip.py", cache / f"get_pip_{version}.py")
    settings = {}
    if proxy := os.environ.get("HTTPS_PROXY", os.environ.get("https_proxy")):
        settings["proxy"] = proxy
    if authorities := os.environ.get("REQUESTS_CA_BUNDLE"):
        settings["cert"] = authorities
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    for kind in ("global", ":env:"):
        for name, value in re.findall(rf"^{kind}\.([\w-]+)='(.*)'$", listed, re.MULTILINE):
            settings[name] = value.replace(r"\n", " ")
    for name in ("cache-dir", "config-file", "quiet"):
        settings.pop(name, None)
    config = Path.home() / ".config/pip/pip.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.touch(mode=0o600)
    lines = ["[global]", *(f"{name} = {value}" for name, value in settings.items()), "[install]", "quiet = 2", ""]
    config.write_text("\n".join(lines))


def sanity(log: Log) -> Count:
    tree = stage()
    prepare_ansible_test()
    for ignored in tree.glob("tests/sanity/ignore*.txt"):
        if ignored.read_text().strip():
            raise CheckError(f"{ignored.relative_to(tree)} ignores something")
    refuse_empty_tree(tree)

    versions = interpreters()
    log.say(f"Modules are compiled and imported on Python {', '.join(versions)}.")
    targets = [f"--target-python={version}" for version in versions]
    path = os.pathsep.join([str(Path(sys.executable).parent), str(CACHE / "pythons"), os.environ["PATH"]])
    arguments = ["--controller", "origin:python=default", *targets]
    status = log.status("ansible-test", "sanity", *arguments, cwd=tree, env={"PATH": path})

    text = log.text()
    if status:
        # What was found stands between what pip and the other tests said.
        log.say("\n".join(["", *re.findall("^(?:ERROR|FATAL).*", text, re.MULTILINE)]))
        raise CheckError(f"ansible-test ended with {status}")
    ran = set(re.findall(r'^Running sanity test "(.+)"', text, re.MULTILINE))
    ran_on = set(re.findall(r'^Running sanity test "import" on Python (.+)', text, re.MULTILINE))
    if not {"validate-modules", "pylint", "ansible-doc"} <= ran or ran_on != set(versions):
        raise CheckError("ansible-test left out a test")
    if missing := re.search(r"^WARNING: (Skipping|Required program) .*", text, re.MULTILINE):
        raise CheckError(missing.group())
    return Count(passed=len(versions), note=f"Python {', '.join(versions)}")


def refuse_empty_tree(tree: Path) -> None:
    """ansible-test passes where it finds nothing to test: it must see every plugin."""
    output = subprocess.run(
        ["ansible-test", "env", "--list-files"],
        cwd=tree,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ).stdout
    plugins = set(tracked("plugins/*/*.py"))
    if not any(name.startswith("plugins/modules/") for name in plugins):
        raise CheckError("there are no modules")
    if unseen := plugins - set(output.splitlines()):
        raise CheckError(f"ansible-test does not see {', '.join(sorted(unseen))}")


def interpreters() -> list[str]:
    """Versions of Python that were found here and that this ansible-core can manage."""
    from ansible_test._util.target.common import constants

    known = {*constants.REMOTE_ONLY_PYTHON_VERSIONS, *constants.CONTROLLER_PYTHON_VERSIONS}
    found = {path.name.removeprefix("python") for path in (CACHE / "pythons").iterdir()} & known
    lowest = (3, 9)  # tests/config.yml
    versions = sorted(tuple(map(int, version.split("."))) for version in found)
    return [".".join(map(str, version)) for version in versions if version >= lowest]


def galaxy(log: Log) -> Count:
    """Build the collection as it would be published, and have Galaxy's importer look at it."""
    with empty_folder(CACHE / "dist") as dist:
        log.run("ansible-galaxy", "collection", "build", "--output-path", str(dist), cwd=stage())
        (archive,) = dist.glob("*.tar.gz")
        env = {"GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true", "GALAXY_IMPORTER_TMP_ROOT_DIR": str(CACHE / "tmp")}
        log.run(sys.executable, "-m", "galaxy_importer.main", archive.name, cwd=dist, env=env)
    # What the importer finds does not change its exit status.
    found = re.findall(r"^(?:WARNING|ERROR)\b.*", log.text(), re.MULTILINE)
    if found:
        raise CheckError(f"{len(found)} warnings or errors")
    if "Loading module " not in log.text():
        raise CheckError("the archive holds no modules")
    return Count(passed=2)


@contextmanager
def empty_folder(path: Path) -> Iterator[Path]:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    yield path


# --- running them ------------------------------------------------------------------------------------------------

# The longest come first, so that all processors have work to the end, but for those that take no time.
CHECKS = [
    Check("ruff", ruff, quick=True),
    Check("shellcheck", shellcheck),
    Check("ansible-test sanity", sanity),
    *(Check(f"slow integration tests, part {part} of 4", slow_integration_tests(part, 4)) for part in (1, 2, 3, 4)),
    *(Check(f"integration tests, part {part} of 2", integration_tests(part, 2, measured=True)) for part in (1, 2)),
    *(Check(f"tests of faults, part {part} of 2", integration_tests(part, 2, measured=False)) for part in (1, 2)),
    *(Check(f"unit tests, part {part} of 2", unit_tests(part, 2)) for part in (1, 2)),
    Check("molecule", molecule),
    Check("build and galaxy-importer", galaxy),
    Check("ansible-lint", ansible_lint),
    Check("mypy", mypy, quick=True),
    Check("documentation site", site),
    Check("antsibull-docs", documentation),
    Check("antsibull-changelog", changelog),
    Check("yamllint", yamllint),
    Check("reuse", licenses),
    Check("check-jsonschema", forms),
]
AFTER_TESTS = [Check("coverage", coverage)]
QUICK_CHECKS = [
    *(Check(f"quick unit tests, part {part} of 2", unit_tests(part, 2, quick=True)) for part in (1, 2)),
    *(check for check in CHECKS if check.quick),
]


class Progress:
    """What a person sees: one line when a check starts, one when it ends, and a sign of life in between."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._at_work: dict[str, Log] = {}

    def say(self, text: str) -> None:
        seconds = int(time.monotonic() - self._started)
        print(f"[{seconds // 60:2d}:{seconds % 60:02d}] {text}", flush=True)

    def start(self, check: Check, log: Log) -> None:
        self._at_work[check.name] = log
        self.say(f"{check.name} ...")

    def end(self, check: Check, count: Count, seconds: float) -> None:
        log = self._at_work.pop(check.name)
        result = "FAILED" if count.failed else "ok"
        lines = [f"{check.name}: {result} after {seconds:.1f} s" + (f" ({count.note})" if count.note else "")]
        if count.failed:
            lines += [f"      | {line}" for line in log.tail(TAIL)]
            lines += [f"      all of it: {log.path.relative_to(CHECKOUT)}"]
        self.say("\n".join(lines))

    def still_at_work(self) -> None:
        for name, log in list(self._at_work.items()):
            last = "".join(log.tail(1)).strip()
            self.say(f"{name}: at work: {last.replace(f'{CHECKOUT}/', '')[:80]}")


def run_check(check: Check, progress: Progress) -> Count:
    started = time.monotonic()
    log = Log(check.name)
    progress.start(check, log)
    try:
        count = check.run(log)
    except Exception as error:
        if not isinstance(error, CheckError):
            log.say(f"{type(error).__name__}: {error}")
        count = Count(passed=0, failed=1, note=str(error))
    log.close()
    progress.end(check, count, time.monotonic() - started)
    return replace(count, name=check.name)


def run_checks(checks: list[Check], progress: Progress) -> list[Count]:
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = {pool.submit(run_check, check, progress) for check in checks}
        done: set[concurrent.futures.Future[Count]] = set()
        try:
            while waiting:
                ended, waiting = concurrent.futures.wait(
                    waiting, SAY_SOMETHING_EVERY, concurrent.futures.FIRST_COMPLETED
                )
                done |= ended
                if not ended:
                    progress.still_at_work()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            Log.end_all()
            raise
    return [future.result() for future in done]


@contextmanager
def temporary_files_in_memory() -> Iterator[None]:
    """Where there is room: on a disk, tests wait until what they commit is down, and it is not to outlast them.

    Not in containers whose memory runs no programs, as some tests make some.
    """
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="assetops-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        link = CACHE / f"memory-{os.getpid()}"  # by which a later run finds what this one leaves if it is killed
        link.symlink_to(folder)
        os.environ["TMPDIR"] = folder
        yield
    link.unlink()


def clean_up() -> None:
    """Remove what a run that was killed had no time to: databases without a server, and temporary folders of tests."""
    for link in CACHE.glob("memory-*"):
        if not Path("/proc", link.name.partition("-")[2]).exists():
            shutil.rmtree(link.resolve(), ignore_errors=True)
            link.unlink()
    for database in CACHE.glob("postgresql-*"):
        pid = database / "data/postmaster.pid"
        if not (pid.exists() and Path("/proc", pid.read_text().split()[0]).exists()):
            shutil.rmtree(database)
    for folder in CACHE.glob("tmp/*-*/"):  # but not those of pytest, which sees to them itself
        if not folder.name.startswith("pytest-of-") and time.time() - folder.stat().st_mtime > TIME_LIMIT:
            shutil.rmtree(folder)


def end_on_signal(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only what takes a minute in all")
    phases = [QUICK_CHECKS] if parser.parse_args().quick else [CHECKS, AFTER_TESTS]

    signal.signal(signal.SIGTERM, end_on_signal)
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    shutil.rmtree(CACHE / "coverage", ignore_errors=True)
    clean_up()
    stage()
    print(f"{sum(map(len, phases))} groups of checks, {AT_ONCE} at a time; logs are in .cache/logs", flush=True)
    progress = Progress()
    try:
        with temporary_files_in_memory():
            counts = [count for checks in phases for count in run_checks(checks, progress)]
    except KeyboardInterrupt:
        print("Interrupted.", flush=True)
        return 130
    cut_off = [count.name for count in counts if count.note.startswith(CUT_OFF)]
    for count in counts:
        if count.failed:
            why = f" (as a consequence of {', '.join(cut_off)})" if count.name == "coverage" and cut_off else ""
            print(f"FAILED: {count.name}: {count.note}{why}")
    passed, failed = sum(count.passed for count in counts), sum(count.failed for count in counts)
    SUMMARY.write_text(f"{passed} passed, {failed} failed\n")
    print(SUMMARY.read_text(), end="", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
