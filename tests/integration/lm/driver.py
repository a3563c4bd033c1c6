# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the modules for Lifecycle Manager have in common: their options, and archives to import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...sandbox.handle import Request, Sandbox
from ...sandbox.lm.archives import AssetRow
from ...sandbox.lm.asset_archives import asset_archive, numbered, packed, table
from ...sandbox.lm.view import Library
from ..support import ABSENT, Modules, given, in_process

LIBRARY = "LibraryDemo"
"""Library of the sandbox into which the tests import."""


class Lm(Modules):
    """The modules for Lifecycle Manager. They believe a count soon. What is imported is an archive, or `import_url`."""

    module = "lm_import"
    safe = frozenset({"status", "library"})

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        super().__init__(sandbox, folder)
        self._made = 0

    def run_info(self, run_id: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """The result of `lm_import_info`."""
        return in_process("lm_import_info", check=check, **self.connection(run_id=run_id, **options))

    def library_info(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """The result of `lm_library_info`."""
        return in_process("lm_library_info", check=check, **self.connection(**options))

    def empty(self, *, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        """The result of `lm_library`."""
        return in_process("lm_library", check=check, diff=diff, **self.emptying(**options))

    def connection(self, **options: Any) -> dict[str, Any]:
        """The options that all four modules have."""
        usual = {
            "url": self.sandbox.lm_url,
            "library": LIBRARY,
            "username": self.sandbox.lm_username,
            "password": self.sandbox.lm_password,
            "ca_path": ABSENT if self.sandbox.ca_path is None else str(self.sandbox.ca_path),
        }
        return given({**usual, **options})

    def options(self, archive: Path | None = None, **options: Any) -> dict[str, Any]:
        usual = {
            "src": ABSENT if archive is None else str(archive),
            "receipts": str(self.store),
            "wait_sleep": 0.02,
            "wait_timeout": 10,
            "settle_time": 0.2,
        }
        return self.connection(**{**usual, **options})

    def emptying(self, **options: Any) -> dict[str, Any]:
        """The options of `lm_library`."""
        usual = {"state": "empty", "confirm": options.get("library", LIBRARY), "receipts": str(self.store)}
        return self.connection(**{**usual, "wait_timeout": 1, **options})

    # Archives.

    def archive(self, name: str | None = None, *, assets: int = 3, bad: int = 0, version: str | None = None) -> Path:
        """A new archive of so many assets, and so many rows that do not parse; its content is one of its own."""
        self._made += 1
        rows = numbered(assets, version or f"1.{self._made}")
        lines = "".join(f"Broken {number}|2.0|broken-{number}\n" for number in range(1, bad + 1))
        return self.write(name, packed({"assets.txt": table(rows) + lines}) if bad else asset_archive(rows))

    def archive_of(self, *rows: AssetRow, name: str | None = None, delimiters: tuple[str, str] = ("|", "^")) -> Path:
        """A new archive of these assets."""
        self._made += 1
        return self.write(name, asset_archive(rows, *delimiters))

    def write(self, name: str | None, content: bytes) -> Path:
        """A file of this content among the archives."""
        path = self.folder / "archives" / (name or f"contents-{self._made}.zip")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def publish(self, url: str, archive: Path) -> None:
        """Put an archive behind a URL that the sandbox knows."""
        urls = self.sandbox.settings()["lm"]["urls"]
        self.sandbox.configure("lm", urls=[*urls, {"url": url, "archive": str(archive)}])

    # What came of it.

    @property
    def held(self) -> Library:
        """What the library holds, once all that it was given is finished."""
        self.sandbox.clock(step=3600)
        return self.sandbox.lm().libraries[LIBRARY]

    def asked(self, operation: str) -> list[Request]:
        """The requests of this kind that reached the sandbox: `import`, `status`, `library` or `clear`."""
        return self.sandbox.requests("lm", operation)
