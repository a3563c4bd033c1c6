# SPDX-License-Identifier: GPL-3.0-or-later
"""Which options of which module have a test: tests are marked with them, and a last one counts."""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from .support import argument_spec

Test = TypeVar("Test", bound=Callable[..., Any])
_EXERCISED: defaultdict[str, set[str]] = defaultdict(set)
_OF_ALL = "tests.integration.imports.test_options"
"""Where the options are tested that all systems have alike."""


def exercises(*options: str, of: str) -> Callable[[Test], Test]:
    """Marks a test as being about these options of a module."""
    _EXERCISED[of].update(options)
    return lambda test: test


def untested(module: str, *files: str) -> set[str]:
    """The options of a module with which no test is marked, be it in one of these files."""
    for file in (*files, _OF_ALL):
        importlib.import_module(file)
    return set(argument_spec(module)) - _EXERCISED[module]
