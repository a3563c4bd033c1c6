# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The batches that the options ask for, and the feeds that they belong to.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._files.paths import shown
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.dates import short_time
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.folders import BatchFolder, FoundFolders
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.options import READ_BY, options_of_batch


@dataclass(frozen=True)
class RequestedBatch:
    """A batch that is asked for: its options, and the folder that holds its control file and its files, if any."""

    options: Mapping[str, Any]
    folder: BatchFolder | None = None

    @property
    def source(self) -> str:
        """What it is called in the result and in receipts."""
        if self.folder is not None:
            return shown(self.folder.control)
        return str(next(filter(None, (self.options.get(name) for name in ("name", *READ_BY))), ""))

    @property
    def is_dated(self) -> bool:
        """Whether it is a folder with a date in its name."""
        return self.folder is not None and self.folder.dated is not None

    @property
    def title(self) -> str | None:
        """What it is called in Haplo, before the names of its files."""
        feed: str | None = self.options["feed"]
        if self.folder is None:
            return self.options.get("name") or feed
        if self.folder.dated is None:
            return feed or self.folder.own_name
        return f"{feed} {short_time(self.folder.dated.moment)}"


def requested_batches(params: Mapping[str, Any], found: FoundFolders | None) -> list[RequestedBatch]:
    """The batches in the order of sending: those of a directory, a list of them, or one."""
    if found is not None:
        batches = [RequestedBatch({**params, "feed": _feed_name(params, folder)}, folder) for folder in found.batches]
        return _refuse_mixed_feeds(batches)
    if params["batches"] is not None:
        return [RequestedBatch(options_of_batch(params, batch)) for batch in params["batches"]]
    return [RequestedBatch(params)]


def _feed_name(params: Mapping[str, Any], folder: BatchFolder) -> str | None:
    """The feed of a folder.

    A folder beside others is a feed of its own, or else they would take turns in being the latest. Folders whose names
    are the same without their dates are one feed.
    """
    if folder.name is None:
        return str(params["feed"]) if params["feed"] is not None else None
    name = folder.name if folder.dated is None else folder.dated.rest
    return "/".join(filter(None, (params["feed"], name))) or folder.directory_name


def _refuse_mixed_feeds(batches: list[RequestedBatch]) -> list[RequestedBatch]:
    """The same batches. If only some folders of a feed have a date in their names, all of them get a problem."""
    dated = {one.options["feed"]: one for one in batches if one.is_dated}
    undated = {one.options["feed"]: one for one in batches if not one.is_dated}

    def checked(batch: RequestedBatch) -> RequestedBatch:
        feed, folder = batch.options["feed"], batch.folder
        if folder is None or feed not in dated or feed not in undated:
            return batch
        both = f"{undated[feed].source} and {dated[feed].source}"
        problem = f"{both} are both of the feed {feed}, and only one has a date in its name. Rename one."
        return replace(batch, folder=replace(folder, problem=folder.problem or problem))

    return [checked(batch) for batch in batches]
