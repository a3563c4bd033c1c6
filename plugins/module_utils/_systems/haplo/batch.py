# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A batch of Haplo: what is sent for one import, and what makes two of them the same.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Wanted, identity_of
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.control_file import ControlFile
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.guides import SYSTEM

IDENTIFIER = "[A-Za-z0-9][A-Za-z0-9_-]{42}[A-Za-z0-9]"  # of a batch


@dataclass(frozen=True)
class DataFile:
    """A file of a batch, by the name that the control file has for it."""

    name: str
    content: Content
    sha256: str


@dataclass(frozen=True)
class Batch:
    """What is sent for one import.

    `control` is None if Haplo has the control file already. `kind` is a kind of standard batch import: its control file
    is in the application and nothing is known about it here.
    """

    control_sha256: str | None
    control: ControlFile | None
    files: tuple[DataFile, ...]
    dry_run: bool = False
    comment: str | None = None
    control_comment: str | None = None
    feed: str | None = None
    kind: str | None = None

    @property
    def read_by(self) -> dict[str, str | None]:
        """The field of the API that says how the files are read: the digest of a control file, or a kind."""
        return {"control": self.control_sha256} if self.kind is None else {"kind": self.kind}

    @property
    def content_sha256(self) -> str:
        """One digest for all: of the canonical JSON of `read_by` and the files' digests by name."""
        return identity_of(**self.read_by, files={file.name: file.sha256 for file in self.files})


def wanted_batch(
    server: str,
    source: str,
    batch: Batch,
    check: Callable[[], None] | None = None,
    where: Callable[[Mapping[str, Any]], str] | None = None,
) -> Wanted:
    """The import of one batch. `server` is the normalised base URL, or the name given to that target.

    `check` reads the files before they are sent. `where` says where a person can look for the batch (see `Wanted`).
    """
    parts = {"system": SYSTEM, "server": server, "dry_run": batch.dry_run}
    default_feed = {**batch.read_by, "files": sorted(file.name for file in batch.files)}
    kind = {} if batch.kind is None else {"kind": batch.kind}
    return Wanted(
        key=identity_of(**parts, content=batch.content_sha256, feed=batch.feed),
        system=SYSTEM,
        target=server,
        stream=identity_of(**parts, feed=batch.feed or default_feed),
        source=source,
        size=sum(file.content.size for file in batch.files),
        content_sha256=batch.content_sha256,
        options={"dry_run": batch.dry_run, "feed": batch.feed, **kind},
        payload=batch,
        check=check,
        where=where,
    )
