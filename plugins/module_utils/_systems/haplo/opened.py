# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Batches whose files were found and opened, ready to be sent.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Wanted
from ansible_collections.assetops.imports.plugins.module_utils._files.content import (
    Content,
    DigestMemory,
    digests_of,
    open_contents,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import name_of, shown
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.batch import Batch, DataFile, wanted_batch
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.control_file import (
    ControlFile,
    parse_control_file,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.folders import data_files_in
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.options import check_file_names
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.requested import RequestedBatch
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.standard import where_to_look
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.states import Feed, FeedState, UnsentBatch
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.texts import check_text, comment_of


@dataclass(frozen=True)
class OpenedBatch:
    """A requested batch whose files can be read; `files` are by their names in the control file."""

    requested: RequestedBatch
    control: ControlFile | None
    files: Mapping[str, Content]

    def wanted(self, server: str, memory: DigestMemory, warn: Callable[[str], None]) -> Wanted:
        """The import of it. `memory` knows digests of files; `warn` reports what is found in the files."""
        options = self.requested.options
        where = None if options["kind"] is None else where_to_look
        check = None
        if self.control is not None and options["check_files"]:
            check = partial(check_contents, self.control, self.files, is_strict=options["strict_files"], warn=warn)
        return wanted_batch(server, self.requested.source, self._batch(memory), check, where)

    def _batch(self, memory: DigestMemory) -> Batch:
        """What is sent."""
        options, title = self.requested.options, self.requested.title
        digests = digests_of([*self.files.values()], memory)
        control = self.control if options["kind"] is None else None  # a copy of a control file is not sent
        control_comment = None if self.control is None else comment_of(title, [self.control.content.name])
        return Batch(
            control_sha256=control.sha256 if control else options["control_digest"],
            control=control,
            files=tuple(DataFile(*file) for file in zip(self.files, self.files.values(), digests)),
            dry_run=options["dry_run"],
            comment=options["comment"] or comment_of(title, [one.name for one in self.files.values()]),
            control_comment=options["control_comment"] or control_comment,
            feed=options["feed"],
            kind=options["kind"],
        )


def open_usable(batches: list[RequestedBatch], *, is_all: bool) -> tuple[list[OpenedBatch], list[UnsentBatch]]:
    """The batches whose files can be sent, and the others.

    Raises `BadInput` if none can be sent and, by `is_all`, there are no more batches.
    """
    opened, unusable = [], []
    for batch in batches:
        try:
            opened.append(open_batch(batch))
        except BadInput as error:
            unusable.append(UnsentBatch(batch.source, error.message))
    if is_all and not opened:
        raise BadInput(" ".join(one.message for one in unusable))
    return opened, unusable


def is_any_usable(batches: list[RequestedBatch]) -> bool:
    """Whether the files of one of these can be sent. The last one is tried first, as it is the most likely."""
    for batch in reversed(batches):
        with suppress(BadInput):
            return bool(open_batch(batch).files)
    return False


def open_batch(requested: RequestedBatch) -> OpenedBatch:
    """A batch with its files. Raises `BadInput` if they are not there, or Haplo would not import them."""
    if requested.folder is not None:
        folder = requested.folder.checked()
        control = _control_file_at(name_of(folder.control))
        sources = data_files_in(folder, control)
        check_file_names([*sources])
        check_text("feed, with the name of the folder,", requested.options["feed"])
        return _open_files(requested, control, sources)
    sources = {file["name"]: file["src"] for file in requested.options["files"]}
    return _open_files(requested, _control_file_of(requested.options), sources)


def feeds_of(
    batches: list[RequestedBatch],
    server: str,
    memory: DigestMemory,
    warn: Callable[[str], None],
) -> list[Feed]:
    """The feeds whose states are these folders with a date in their names."""
    states: dict[str, list[FeedState]] = {}
    for batch in batches:
        folder = batch.folder
        if folder is not None and folder.dated is not None:
            wanted = partial(_open_and_want, batch, server, memory, warn)
            state = FeedState(folder.path, batch.source, folder.dated.moment, wanted, folder.problem)
            states.setdefault(batch.options["feed"], []).append(state)
    return [
        Feed(feed, _stream_of(server, feed, batches[0].options["dry_run"]), tuple(own)) for feed, own in states.items()
    ]


def check_contents(
    control: ControlFile, files: Mapping[str, Content], *, is_strict: bool, warn: Callable[[str], None]
) -> None:
    """Read the files of a batch as Haplo would, and warn of what it would import wrongly.

    Raises `BadInput` for what it could not import at all, and with `is_strict` for everything that is found.
    """
    from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.check import check_file

    refused = []
    for name, content in files.items():
        for finding in check_file(control, name, content):
            if finding.is_fatal or is_strict:
                refused.append(f"{content.source}{finding}")
            else:
                warn(f"{content.source}{finding}")
    if refused:
        raise BadInput(f"files: {' '.join(refused)}")


def _open_and_want(batch: RequestedBatch, server: str, memory: DigestMemory, warn: Callable[[str], None]) -> Wanted:
    """The import of a folder, opened only now. Raises `ImportsError`."""
    return open_batch(batch).wanted(server, memory, warn)


def _stream_of(server: str, feed: str, dry_run: bool) -> str:
    """The stream of a feed, which is the same whatever is in its batches."""
    return wanted_batch(server, feed, Batch("", None, (), dry_run=dry_run, feed=feed)).stream


def _open_files(requested: RequestedBatch, control: ControlFile | None, sources: Mapping[str, str]) -> OpenedBatch:
    options = requested.options
    contents = dict(zip(sources, open_contents([*sources.values()], "files")))
    if control is not None:
        entries = {name: control.entry(name) for name in contents}
        if not options["allow_missing_files"]:
            control.check_complete(sources, "files" if requested.folder is None else shown(requested.folder.path))
        if options["trim_final_newline"]:
            contents = {name: _trimmed(entries[name], content) for name, content in contents.items()}
        if options["check_files"]:
            for name, content in contents.items():
                control.check_size(name, content)
    return OpenedBatch(requested, control, contents)


def _trimmed(entry: Mapping[str, Any], content: Content) -> Content:
    """A file as it is sent with `trim_final_newline`."""
    from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.tsv_reader import (
        without_final_line_breaks,
    )

    return without_final_line_breaks(entry, content)


def _control_file_of(options: Mapping[str, Any]) -> ControlFile | None:
    """The control file by which the files are read, if it is here: the one that is sent, or a copy of it."""
    option = "control" if options["kind"] is None else "control_copy"
    return None if options[option] is None else _control_file_at(options[option], option)


def _control_file_at(path: str, option: str = "control") -> ControlFile:
    (content,) = open_contents([path], option)
    return parse_control_file(content, option)
