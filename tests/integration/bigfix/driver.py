# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of `bigfix_import` have in common: the modules with their connection filled in, for either product."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

from ... import running
from ...running import RunningModule, start_module
from ...sandbox.bigfix.view import BigFix
from ...sandbox.handle import Request, Sandbox
from ..support import given, in_process, only

DAY = 24 * 3600


class DataImports:
    """The modules for BigFix Inventory or License Metric Tool, connected to a sandbox, with receipts in a folder.

    Waiting looks often, so that tests are quick. Every option can be given otherwise, or left out with `ABSENT`.
    """

    def __init__(self, sandbox: Sandbox, folder: Path, product: str = "bigfix_inventory") -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.store = folder / "store" / "receipts.db"
        self.product = product
        self.is_bigfix = product == "bigfix_inventory"
        self.system = "bigfix" if self.is_bigfix else "lmt"
        self.url = sandbox.bigfix_url if self.is_bigfix else sandbox.lmt_url
        self.token = sandbox.bigfix_token if self.is_bigfix else sandbox.lmt_token
        self.configure(daily=False)

    def __call__(self, *, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        """The result of `bigfix_import`."""
        return in_process("bigfix_import", check=check, diff=diff, **self.options(**options))

    def info(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """The result of `bigfix_import_info`."""
        return in_process("bigfix_import_info", check=check, **self.connection(**options))

    def output(self, *, check: bool = False, diff: bool = False, **options: Any) -> str:
        """All that `bigfix_import` gives to Ansible, with the record of its invocation."""
        with mock.patch.object(running, "parsed", lambda output: {"output": output}):
            return str(self(check=check, diff=diff, **options)["output"])

    def info_output(self, **options: Any) -> str:
        """All that `bigfix_import_info` gives to Ansible."""
        with mock.patch.object(running, "parsed", lambda output: {"output": output}):
            return str(self.info(**options)["output"])

    def start(self, **options: Any) -> RunningModule:
        """`bigfix_import` in a process of its own."""
        return start_module("bigfix_import", **self.options(**options))

    def connection(self, **options: Any) -> dict[str, Any]:
        """The options that both modules have."""
        return given({"url": self.url, "token": self.token, "product": self.product, **options})

    def options(self, **options: Any) -> dict[str, Any]:
        """The options of `bigfix_import`."""
        usual = {"receipts": str(self.store), "wait_sleep": 0.02, "wait_timeout": 10}
        return self.connection(**{**usual, **options})

    # The server.

    def configure(self, **settings: Any) -> None:
        """Change settings of the server."""
        self.sandbox.configure(self.system, **settings)

    def fault(self, action: str, operation: str, **what: Any) -> None:
        """Script a fault of this server."""
        self.sandbox.fault(action, system=self.system, operation=operation, **what)

    @property
    def held(self) -> BigFix:
        """What the server holds right now."""
        return self.sandbox.bigfix() if self.is_bigfix else self.sandbox.lmt()

    def sent(self, operation: str | None = None) -> list[Request]:
        """What reached the server, all or those of an operation."""
        return self.sandbox.requests(self.system, operation)

    @property
    def starts(self) -> list[Request]:
        """The requests that were to start an import."""
        return self.sent("start")


def assert_imported(result: dict[str, Any], *, changed: bool, reason: str) -> None:
    """An import succeeded, and the module says why it was this one."""
    assert not result.get("failed"), result["msg"]
    assert (result["state"], result["changed"]) == ("succeeded", changed)
    assert (only(result)["state"], only(result)["changed"], only(result)["reason"]) == ("succeeded", changed, reason)


def outcome(result: dict[str, Any]) -> tuple[str, bool, bool]:
    """State, whether it changed, whether it failed."""
    return result["state"], result["changed"], bool(result.get("failed"))
