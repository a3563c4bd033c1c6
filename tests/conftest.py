# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for all tests: the sandbox, started once and reset before each test that asks for it, and PostgreSQL.

They are started only for tests that use them, so that tests without them need none of their requirements.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .postgresql import Server
    from .sandbox.handle import Sandbox


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--everywhere",
        action="store_true",
        help="only tests that are content with some points of many, such as those where to kill a run: at all of them"
        " (make test-everywhere)",
    )
    parser.addoption(
        "--both-ways",
        action="store_true",
        help="run all tests of what modules return through the actions as well, not only some (make test-matrix)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--everywhere"):
        some = [item for item in items if "stride" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=[item for item in items if item not in some])
        items[:] = some


@pytest.fixture
def stride(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """At every how-manieth point something is tried, as to kill a run: what the test is content with, or at all.

    Actions do what modules do, so that few points of them are enough.
    """
    is_everywhere = request.config.getoption("--everywhere")
    is_action = request.node.callspec.params.get("crasher") == "action" if hasattr(request.node, "callspec") else False
    return lambda usual: 1 if is_everywhere else usual * (7 if is_action else 1)


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """The sandbox over HTTP, with whatever the tests before have left in it."""
    from .sandbox.handle import Sandbox

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def running_tls_sandbox() -> Iterator[Sandbox]:
    """The sandbox over HTTPS, with whatever the tests before have left in it."""
    from .sandbox.handle import Sandbox

    with Sandbox(tls=True) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server for receipt stores."""
    from .postgresql import Server

    with Server() as server:
        yield server


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """The sandbox over HTTP, as new."""
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def tls_sandbox(running_tls_sandbox: Sandbox) -> Sandbox:
    """The sandbox over HTTPS, as new; `ca_path` is what clients have to trust."""
    running_tls_sandbox.reset()
    return running_tls_sandbox
