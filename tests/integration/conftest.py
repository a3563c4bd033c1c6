# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests that run the modules over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..running import run_module
from ..sandbox.handle import Sandbox
from . import support
from .bigfix.driver import DataImports
from .both_ways import comparable, run_in_either
from .crashing import Crasher
from .haplo.driver import PLAIN, Haplo, Told
from .haplo.feeds import Feeds
from .listener import Listener
from .lm.driver import Lm
from .support import QUICK, Licstat, Logs

_HEEDED = (
    *("LICSTAT_URL", "LICSTAT_API_TOKEN", "ASSETOPS_RECEIPTS", "ASSETOPS_PROGRESS"),
    *("HAPLO_URL", "HAPLO_API_KEY", "HAPLO_OUTCOME_API_KEY"),
    *("LM_URL", "LM_USERNAME", "LM_PASSWORD"),
    *("BIGFIX_URL", "BIGFIX_TOKEN", "BIGFIX_USERNAME", "BIGFIX_PASSWORD"),
    *("LMT_URL", "LMT_TOKEN", "LMT_USERNAME", "LMT_PASSWORD"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *(f"{name}{_proxy}" for name in ("http", "https", "all", "no") for _proxy in ("_proxy",)),
    *(f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")),
)
"""Environment variables that the modules, or requests, heed."""

SAMPLE = re.compile("documented|diff|every_mode")
"""Names of tests that also run through actions where not all of them do."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What modules return is what actions return, and both may be killed."""
    if metafunc.module.__name__.endswith(".test_results"):  # each system has such a file
        both = metafunc.config.getoption("--both-ways") or SAMPLE.search(metafunc.function.__name__)
        metafunc.parametrize("way", ["module", "action"] if both else ["module"], indirect=True)
    if {"crasher", "stride"} <= set(metafunc.fixturenames):
        metafunc.parametrize("crasher", ["module", "action"], indirect=True, scope="module")


@pytest.fixture(scope="session")
def results_of_modules() -> dict[str, list[Any]]:
    """What the modules returned, by test."""
    return {}


@pytest.fixture(autouse=True)
def way(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    results_of_modules: dict[str, list[Any]],
) -> Iterator[None]:
    """Whether modules or actions run; what the actions return has to be what the modules returned before."""
    way = getattr(request, "param", "module")
    run = run_in_either if way == "action" else run_module
    results = []

    def run_and_note(name: str, /, **options: Any) -> dict[str, Any]:
        result = run(name, **options)
        results.append(comparable(result, tmp_path))
        return result

    monkeypatch.setattr(support, "run_module", run_and_note)
    yield
    test = request.node.nodeid.replace(way, "")
    if way == "module":
        results_of_modules[test] = results
    elif test in results_of_modules:
        assert results == results_of_modules[test]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of what the user who runs the tests has set, and an empty home."""
    for name in _HEEDED:
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture
def calm(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox, from which nothing that faults hold reaches into the next test."""
    yield from left_calm(sandbox)


@pytest.fixture
def quick(calm: Sandbox) -> Sandbox:
    """The same, in which everything takes next to no time."""
    calm.clock(speed=QUICK)
    return calm


@pytest.fixture
def quick_tls(tls_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The same over TLS."""
    tls_sandbox.clock(speed=QUICK)
    yield from left_calm(tls_sandbox)


@pytest.fixture
def licstat(quick: Sandbox, tmp_path: Path) -> Licstat:
    """The modules for License Statistics, connected to the sandbox, whose tasks take next to no time."""
    return Licstat(quick, tmp_path)


@pytest.fixture
def tls_licstat(quick_tls: Sandbox, tmp_path: Path) -> Licstat:
    """The same over TLS."""
    return Licstat(quick_tls, tmp_path)


@pytest.fixture
def haplo(request: pytest.FixtureRequest, calm: Sandbox, tmp_path: Path) -> Haplo:
    """The module for Haplo, connected to the sandbox, whose batches wait until they are looked at.

    It imports over the API that is its parameter, if it has one.
    """
    return Haplo(calm, tmp_path, getattr(request, "param", PLAIN))


@pytest.fixture
def feeds(haplo: Haplo) -> Feeds:
    """An empty directory for folders with batches, and the module on it."""
    return Feeds(haplo)


@pytest.fixture
def told(haplo: Haplo) -> Told:
    """The module with a key for the pages of batches, which end in next to no time."""
    haplo.sandbox.clock(speed=QUICK)
    return Told(haplo.sandbox, haplo.folder)


@pytest.fixture
def bigfix(quick: Sandbox, tmp_path: Path) -> DataImports:
    """The modules for BigFix Inventory, connected to the sandbox, whose imports take next to no time."""
    return DataImports(quick, tmp_path)


@pytest.fixture
def lmt(quick: Sandbox, tmp_path: Path) -> DataImports:
    """The same for License Metric Tool."""
    return DataImports(quick, tmp_path, "license_metric_tool")


@pytest.fixture
def lm(quick: Sandbox, tmp_path: Path) -> Lm:
    """The modules for Lifecycle Manager, connected to the sandbox, whose imports take next to no time."""
    return Lm(quick, tmp_path)


@pytest.fixture
def make_log(tmp_path: Path) -> Logs:
    """Makes debug logs in the test's folder."""
    return Logs(tmp_path / "logs")


@pytest.fixture
def log(make_log: Logs) -> Path:
    """A small debug log."""
    return make_log()


@pytest.fixture(scope="module")
def crasher(request: pytest.FixtureRequest) -> Iterator[Crasher]:
    """Runs modules, or actions, that are killed where the test wants it."""
    with Crasher(getattr(request, "param", "module")) as crasher:
        yield crasher


@pytest.fixture
def elsewhere() -> Iterator[Listener]:
    """Another host, to which nothing may go."""
    with Listener() as listener:
        yield listener


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the client tries again by itself, it tries again at once. Only for modules in this process."""
    from ansible_collections.assetops.imports.plugins.module_utils._http import client as _client

    monkeypatch.setattr(_client, "_backoff", lambda _number: 0.01)


def left_calm(sandbox: Sandbox) -> Iterator[Sandbox]:
    yield sandbox
    sandbox.clear_faults()
    sandbox.wait_idle()
