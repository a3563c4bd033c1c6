# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An import into a library of Lifecycle Manager: its archive and options, its identity, and the body of its request.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Attempt,
    BadInput,
    Wanted,
    identity_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import (
    Body,
    expecting,
    json_document,
    mixed,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.connection import SYSTEM
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.link import Link

# The properties of an import request, by our names. Those of the second group make it another import.
TUNING: Mapping[str, str] = {
    "import_user": "user",
    "concurrent_thread": "concurrentThread",
    "load_factor": "loadFactor",
    "thread_sleep": "threadSleep",
    "email_results": "emailResults",
    "submission_note": "submissionNote",
}
DECIDING: Mapping[str, str] = {
    "attribute_delimiter": "attributeDelimiter",
    "attribute_value_delimiter": "attributeValueDelimiter",
    "replace": "replace",
    "ignore_asset_id": "ignoreAssetId",
    "bypass_governance": "bypassGovernance",
    "validate_import": "validate",
    "submit": "submit",
}


@dataclass(frozen=True)
class ImportOptions:
    """The properties of an import; None is not sent, and the server's own default holds, which nobody documents."""

    import_user: str | None = None
    concurrent_thread: int | None = None
    load_factor: int | None = None
    thread_sleep: int | None = None
    email_results: bool | None = None
    submission_note: str | None = None
    attribute_delimiter: str | None = None
    attribute_value_delimiter: str | None = None
    replace: bool | None = None
    ignore_asset_id: bool | None = None
    bypass_governance: bool | None = None
    validate_import: bool | None = None
    submit: bool | None = None

    def check(self) -> None:
        """Raise `BadInput` for a value that means nothing."""
        for option in ("import_user", "attribute_delimiter", "attribute_value_delimiter"):
            if getattr(self, option) == "":
                raise BadInput(f"{option} is empty; leave it out to have the server's default.")
        for option in ("concurrent_thread", "load_factor", "thread_sleep"):
            if (getattr(self, option) or 0) < 0:
                raise BadInput(f"{option} is {getattr(self, option)}; it cannot be below 0.")

    def properties(self) -> dict[str, Any]:
        """As the vendor's page spells them, only those that are set."""
        values = {theirs: getattr(self, ours) for ours, theirs in {**TUNING, **DECIDING}.items()}
        return {name: value for name, value in values.items() if value is not None}

    def identity(self) -> dict[str, Any]:
        """What of these makes it another import. Who imports, how fast, and the note do not."""
        return {name: getattr(self, name) for name in DECIDING}


@dataclass(frozen=True)
class Archive:
    """What is imported, and how."""

    options: ImportOptions
    source: Content | Link


def import_options(params: Mapping[str, Any]) -> ImportOptions:
    """The properties that the user set. Raises `BadInput` for those that mean nothing or do not go together."""
    options = ImportOptions(**{name: params[name] for name in (*TUNING, *DECIDING)})
    options.check()
    if re.match("[A-Za-z][A-Za-z0-9+.-]+://", params["src"] or ""):
        raise BadInput("src is a URL, but has to be a file; set import_url instead, and Lifecycle Manager fetches it.")
    if params["src"] is not None and params["import_version"] is not None:
        raise BadInput("import_version stands for what is behind import_url; with src, the content decides.")
    if params["feed"] is not None and not params["feed"].strip():
        raise BadInput("feed is empty; leave it out to go by the name of the archive.")
    return options


def target_of(server: str, library: str) -> str:
    """The name of a library in the receipts; `server` is a base URL, or the name given to it."""
    return f"{server} library {library}"


def wanted_import(server: str, library: str, archive: Archive, sha256: str | None, feed: str | None) -> Wanted:
    """The import of one archive, which is the newest state of its feed. `sha256` is None for one behind a URL."""
    source = archive.source
    if isinstance(source, Link):
        content: Any = {"url": source.shown, "version": source.version}
        name, shown, size = source.shown.rstrip("/").rpartition("/")[2], source.shown, 0
    else:
        content, name, shown, size = sha256, source.name, source.source, source.size
    place = {"system": SYSTEM, "server": server, "target": library}
    return Wanted(
        key=identity_of(**place, content=content, options=archive.options.identity()),
        system=SYSTEM,
        target=target_of(server, library),
        stream=identity_of(**place, feed=name if feed is None else feed),
        source=shown,
        size=size,
        content_sha256=sha256,
        options=archive.options.identity(),
        payload=archive,
    )


def request_body(wanted: Wanted, attempt: Attempt) -> Body:
    """What is sent: JSON alone, or JSON and the archive under a name that any server can read."""
    archive: Archive = wanted.payload
    source, properties = archive.source, archive.options.properties()
    if isinstance(source, Link):
        document = {**properties, "importFile": {"url": source.url}}
        return json_document(document, lambda _digest: attempt.commit(None))
    name = re.sub(r"[^A-Za-z0-9._-]", "_", source.name)
    commit = expecting(source, wanted.content_sha256, attempt.commit)
    return mixed({**properties, "importFile": {"name": name}}, name, source, commit)
