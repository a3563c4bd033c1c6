# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Data files of Haplo, read before they are sent as Haplo's readers will read them.

Haplo takes any bytes and schedules them; only the log of the batch shows what it then makes of them. A file of
which nothing can be imported is refused here. Where Haplo would import something else than was meant and say nothing,
there is a warning.

Of JSON and TSV the whole file is in memory, which has 16 MiB at most, but only one record of a list at a time. Of XML,
which has no limit, a block and the names in one record are in memory. Entities of XML are never expanded: a file that
declares some is refused.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, Interrupted
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.control_file import ControlFile
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.findings import (
    CannotCheck,
    FatalFinding,
    FileFinding,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.json_reader import check_json
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.reader_settings import (
    ReaderSettings,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.tsv_reader import check_tsv
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.xml_reader import check_xml

SAME_RECORD = frozenset(("then", "else", "otherwise"))  # parts of an instruction with instructions for the same record
ACTIONS = frozenset(
    (
        *("field", "field-structured", "set-value", "remove-values", "if-exists", "if-value-one-of", "if-has-value"),
        *("within", "for-each", "new", "load", "assert-destination", "abort-record", "log-error"),
        "set-attribute-group",
    )
)
READERS: Mapping[str, Callable[[Iterable[bytes], ReaderSettings], list[FileFinding]]] = {
    "json": check_json,
    "tsv-with-name-row": check_tsv,
    "xml-text-of-children": check_xml,
    "xml-attributes": check_xml,
}


def source_names(control: Mapping[str, Any]) -> frozenset[str] | None:
    """The names by which a control file's instructions look for values in a record; None if they are not known."""
    if "recordProcessor" in control:
        return None
    found: set[str] = set()
    lists = [control["instructions"]]
    while lists:
        for instruction in lists.pop():
            if not isinstance(instruction, dict) or (instruction.get("action") or "field") not in ACTIONS:
                return None
            if "source" in instruction:
                if not isinstance(instruction["source"], str):
                    return None
                found.add(instruction["source"])
            lists += [instruction[name] for name in SAME_RECORD if isinstance(instruction.get(name), list)]
    return frozenset(found)


def check_file(control: ControlFile, name: str, content: Content) -> list[FileFinding]:
    """What is wrong with the file of that name (see `check_blocks`). Raises `BadInput` if it changes meanwhile."""
    settings = ReaderSettings(control.entry(name), source_names(control.properties))
    try:
        return check_blocks(content.blocks(), settings)
    except Interrupted as error:
        raise BadInput(f"{error.message} Nothing was sent.") from error


def check_blocks(blocks: Iterable[bytes], settings: ReaderSettings) -> list[FileFinding]:
    """What is wrong with a file of these bytes: one fatal finding, or all warnings.

    Nothing is found if the reader is a plugin's, as it is not known how it reads.
    """
    reader = READERS.get(str(settings.entry.get("read")))
    if reader is None:
        return []
    try:
        return reader(blocks, settings)
    except FatalFinding as fatal:
        return [fatal.finding]
    except CannotCheck as reason:
        return [FileFinding(f"{reason} Whether Haplo can read it is not known.")]
