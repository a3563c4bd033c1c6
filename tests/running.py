# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules as tests run them: in this process for speed, or in one of their own that can be stopped and killed.

`run_module` and `start_module(...).finish()` give what Ansible would get from the module: its result as a dict.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from unittest import mock

from ansible.module_utils import basic

ROOT = Path(__file__).resolve().parents[1]
# With it, what nobody expected says where it came from. Not always: Ansible takes its time over each traceback.
TRACEBACKS = {"_ansible_tracebacks_for": ["always"]} if os.environ.get("TRACEBACKS") else {}


@contextlib.contextmanager
def patch_module_args(arguments: dict[str, Any]) -> Iterator[None]:
    """Give these arguments to modules: `ansible.module_utils.testing` does it only from ansible-core 2.19 on."""
    given = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    profile = mock.patch.object(basic, "_ANSIBLE_PROFILE", "legacy", create=True)
    with mock.patch.object(basic, "_ANSIBLE_ARGS", given), profile:
        yield


@contextlib.contextmanager
def as_on_a_target() -> Iterator[None]:
    """From ansible-core 2.19 on, module_utils that share a process with anything of the controller behave otherwise."""
    with contextlib.ExitStack() as patches:
        patches.enter_context(mock.patch("ansible.module_utils._internal.is_controller", False, create=True))
        with contextlib.suppress(ImportError):
            # Decided once a process: controllers refuse names of files that are not UTF-8, targets take them.
            profiles = importlib.import_module("ansible.module_utils._internal._json._profiles")
            patches.enter_context(mock.patch.object(profiles, "_string_encoding_check_enabled", return_value=False))
        yield


def run_module(name: str, /, *, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
    """Run a module of this collection to its end, in this process. What nobody expected is an AssertionError."""
    module = importlib.import_module(f"ansible_collections.assetops.imports.plugins.modules.{name}")
    output = io.StringIO()
    arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": diff, **TRACEBACKS}
    with (
        as_on_a_target(),
        patch_module_args(arguments),
        contextlib.redirect_stdout(output),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    return parsed(output.getvalue())


class RunningModule:
    """A module in a process of its own; `process` may be sent signals.

    `within` is a command that runs another one, which is then run so. `at` is what it takes for the time.
    """

    def __init__(
        self,
        name: str,
        options: dict[str, Any],
        environment: dict[str, str],
        within: Sequence[str] = (),
        at: datetime | None = None,
    ) -> None:
        moment = [] if at is None else [at.astimezone(timezone.utc).isoformat()]
        self.process = subprocess.Popen(
            [*within, sys.executable, "-m", "tests.running", name, *moment],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(options))
        self.process.stdin.close()
        self.process.stdin = None  # so that communicate() does not write to it again

    def finish(self, timeout: float = 60) -> dict[str, Any]:
        """Its result. Raises AssertionError with its error output when it ended without one."""
        output, errors = self.process.communicate(timeout=timeout)
        assert output.strip(), errors
        return parsed(output)

    def kill(self) -> None:
        """End it at once, as power loss would."""
        self.process.kill()
        self.process.communicate()


def start_module(
    name: str,
    /,
    environment: dict[str, str] | None = None,
    *,
    within: Sequence[str] = (),
    at: datetime | None = None,
    check: bool = False,
    **options: Any,
) -> RunningModule:
    """Start a module of this collection in a process of its own, whose clock goes on from the moment `at`, if given."""
    return RunningModule(name, {**options, "_ansible_check_mode": check, **TRACEBACKS}, environment or {}, within, at)


def parsed(output: str) -> dict[str, Any]:
    """The result in a module's output, without what is for Ansible alone and the traceback of a failure."""
    result: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    result.pop("invocation", None)
    result.pop("_ansible_new_secrets", None)  # from ansible-core 2.22 on, for Ansible itself, which takes it out
    trace = result.pop("exception", None)
    assert "this is a defect" not in result.get("msg", ""), trace or f"{result['msg']} (TRACEBACKS=1 shows where)"
    return result


def main() -> None:
    """The other side of `RunningModule`: the options come on standard input."""
    options = json.load(sys.stdin)
    name, *moment = sys.argv[1:]
    module = importlib.import_module(f"ansible_collections.assetops.imports.plugins.modules.{name}")
    with patch_module_args(options), contextlib.ExitStack() as time:
        if moment:
            from time_machine import travel

            time.enter_context(travel(datetime.fromisoformat(*moment)))
        module.main()


if __name__ == "__main__":
    main()
