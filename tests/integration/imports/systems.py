# SPDX-License-Identifier: GPL-3.0-or-later
"""One import of each system, for tests of what is the same in all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...sandbox.handle import Request, Sandbox
from ...sandbox.lm.credentials import IMPORTER_PASSWORD, IMPORTER_USER
from ..bigfix.driver import DataImports
from ..haplo.driver import STANDARD, Haplo, Told
from ..lm.driver import Lm
from ..support import Licstat, Logs, Modules, only


@dataclass
class One:
    """The module of a system that imports, with one thing to import.

    `options`: those of all runs. `login`: options, and the environment that stands for them. `again`: options by which
    the server takes the same once more. `rest`: why a run does what it does that has nothing to do; with BigFix there
    always is something. `target`: how a server with the name "production" is called.
    """

    modules: Modules
    imports: Callable[[], int]
    login: dict[str, tuple[str, str]] = field(default_factory=dict)
    what: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    again: dict[str, Any] = field(default_factory=dict)
    done: str = "succeeded"
    rest: str = "receipt"
    target: str = "production"

    def __call__(self, *what: Any, **options: Any) -> dict[str, Any]:
        """The result of an import of this, or of what there is."""
        return self.modules(*(what or self.what), **{**self.options, **options})

    def fault(self, operation: str, **fault: Any) -> None:
        """Script a fault of the server."""
        self.modules.sandbox.fault(operation=operation, **fault)

    def sent(self, operation: str) -> list[Request]:
        """What reached the server of this."""
        return self.modules.sandbox.requests(operation=operation)

    def after_faults(self) -> None:
        """Go on without faults, once what they held is done."""
        self.modules.sandbox.clear_faults()
        self.modules.sandbox.wait_idle()

    @property
    def elsewhere(self) -> str:
        """The same server under another address."""
        return str(self.modules.options()["url"]).replace("127.0.0.1", "localhost")

    def assert_done(self, result: dict[str, Any], reason: str) -> None:
        """It is in, and the module says so; what has nothing to do has changed nothing."""
        assert not result.get("failed"), result["msg"]
        assert (result["state"], only(result)["reason"]) == (self.done, reason)
        assert result["changed"] == (reason != "receipt")


def of_licstat(sandbox: Sandbox, folder: Path) -> One:
    licstat = Licstat(sandbox, folder)
    return One(
        licstat,
        lambda: licstat.held.imports,
        {"url": ("LICSTAT_URL", sandbox.licstat_url), "api_token": ("LICSTAT_API_TOKEN", sandbox.licstat_token)},
        what=(Logs(folder / "logs")(),),
        again={"merge_policy": "merge"},
        target="production license server 40",
    )


def of_bigfix(sandbox: Sandbox, folder: Path) -> One:
    bigfix = DataImports(sandbox, folder)
    return One(bigfix, lambda: len(bigfix.held.imports), rest="new")


def of_haplo(sandbox: Sandbox, folder: Path) -> One:
    return of_batches(Haplo(sandbox, folder))


def of_haplo_standard(sandbox: Sandbox, folder: Path) -> One:
    return of_batches(Haplo(sandbox, folder, STANDARD))


def of_haplo_with_outcome(sandbox: Sandbox, folder: Path) -> One:
    return of_batches(Told(sandbox, folder))


def of_batches(haplo: Haplo) -> One:
    login = {"url": ("HAPLO_URL", haplo.sandbox.haplo_url), "api_key": ("HAPLO_API_KEY", haplo.key)}
    return One(haplo, lambda: len(haplo.scheduled), login, done="scheduled")


def of_lm(sandbox: Sandbox, folder: Path) -> One:
    lm = Lm(sandbox, folder)
    login = {
        "url": ("LM_URL", sandbox.lm_url),
        "username": ("LM_USERNAME", IMPORTER_USER),
        "password": ("LM_PASSWORD", IMPORTER_PASSWORD),
    }
    return One(lm, lambda: len(lm.held.runs), login, what=(lm.archive(),), target="production library LibraryDemo")


SYSTEMS: dict[str, Callable[[Sandbox, Path], One]] = {
    "licstat": of_licstat,
    "bigfix": of_bigfix,
    "haplo": of_haplo,
    "haplo's standard batches": of_haplo_standard,
    "haplo with outcome": of_haplo_with_outcome,
    "lm": of_lm,
}
