# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of `bigfix_import` have in common: the modules with their connection filled in, for either product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...sandbox.bigfix.view import BigFix
from ...sandbox.handle import Request, Sandbox
from ..support import Modules, given, in_process, only, output_of

DAY = 24 * 3600


class DataImports(Modules):
    """The modules for BigFix Inventory or License Metric Tool."""

    module = "bigfix_import"
    safe = frozenset({"status", "get_token"})

    def __init__(self, sandbox: Sandbox, folder: Path, product: str = "bigfix_inventory") -> None:
        super().__init__(sandbox, folder)
        self.product = product
        self.is_bigfix = product == "bigfix_inventory"
        self.system = "bigfix" if self.is_bigfix else "lmt"
        self.url = sandbox.bigfix_url if self.is_bigfix else sandbox.lmt_url
        self.token = sandbox.bigfix_token if self.is_bigfix else sandbox.lmt_token
        self.configure(daily=False)

    def info(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """The result of `bigfix_import_info`."""
        return in_process("bigfix_import_info", check=check, **self.connection(**options))

    def info_output(self, **options: Any) -> str:
        """All that `bigfix_import_info` gives to Ansible."""
        return output_of(lambda: self.info(**options))

    def connection(self, **options: Any) -> dict[str, Any]:
        """The options that both modules have."""
        return given({"url": self.url, "token": self.token, "product": self.product, **options})

    def options(self, **options: Any) -> dict[str, Any]:
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
