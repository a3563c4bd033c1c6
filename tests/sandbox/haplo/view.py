# SPDX-License-Identifier: GPL-3.0-or-later
"""What Haplo's administrator sees, as tests see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ControlFile:
    """A control file; it is listed once with each comment it was uploaded with."""

    sha256: str
    size: int
    comments: tuple[str, ...]


@dataclass(frozen=True)
class File:
    """What a batch has under a name: the last upload before the import began, or if there is none, the last one."""

    name: str
    file_name: str
    """Of the first upload of these bytes to any batch."""
    size: int
    sha256: str
    uploads: int
    """How often something was uploaded under this name."""
    late_uploads: int
    """Those of them that came when the import had begun."""
    records_imported: int


@dataclass(frozen=True)
class Batch:
    """A batch."""

    identifier: str
    row: int | None
    """Its number in the user interface, which the API does not tell; None for standard batch import."""
    kind: str | None
    """Of standard batch import; None for the plain one."""
    comment: str
    control_sha256: str
    state: str
    """`uploading`, `scheduled`, `running`, `complete`, `dry-run` or `error`."""
    dry_run: bool | None
    """How it was scheduled; None if it was not."""
    files: tuple[File, ...]
    """In the order in which their names came up."""
    errors: int | None
    """None until it has ended."""
    log: tuple[str, ...]
    records_read: int
    records_imported: int
    """0 in a dry run."""

    def file(self, name: str) -> File:
        """The file of that name; StopIteration if there is none."""
        return next(file for file in self.files if file.name == name)


@dataclass(frozen=True)
class ImportedObject:
    """An object of Haplo's store."""

    ref: str
    destination: str
    values: dict[str, list[Any]]
    """By name, such as `dc:attribute:title`."""


@dataclass(frozen=True)
class Haplo:
    """What Haplo holds."""

    control_files: tuple[ControlFile, ...]
    batches: tuple[Batch, ...]
    """In the order of their creation."""
    records_imported: int
    """By all batches that were no dry run."""
    objects: tuple[ImportedObject, ...]

    def batch(self, identifier: str) -> Batch:
        """The batch with that identifier; StopIteration if there is none."""
        return next(batch for batch in self.batches if batch.identifier == identifier)


def view(state: dict[str, Any]) -> Haplo:
    """The control endpoint's JSON, typed."""
    return Haplo(
        control_files=tuple(
            ControlFile(**{**entry, "comments": tuple(entry["comments"])}) for entry in state["control_files"]
        ),
        batches=tuple(_batch(entry) for entry in state["batches"]),
        records_imported=state["records_imported"],
        objects=tuple(ImportedObject(**entry) for entry in state["objects"]),
    )


def _batch(entry: dict[str, Any]) -> Batch:
    files = tuple(File(**file) for file in entry["files"])
    return Batch(**{**entry, "files": files, "log": tuple(entry["log"])})
