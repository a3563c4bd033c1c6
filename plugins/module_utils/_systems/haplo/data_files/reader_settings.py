# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Haplo reads a data file, and the names in it for which the control file looks.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import first_of
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.charsets import BOM
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.findings import (
    FatalFinding,
    Warnings,
)

MAX_NAMES_SHOWN = 5  # in a message
MAX_NAME_LENGTH = 60  # characters of one in a message
NOTHING_OF_ALL = "Haplo would import nothing of the whole batch."
LINE_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class ReaderSettings:
    """How Haplo reads a file: its entry in the control file, and the names by which instructions look for values.

    `sources` is None if the names are not known: a plugin's record processor may change the records, and a plugin's
    instruction may look for anything. Then some errors are only warnings.
    """

    entry: Mapping[str, Any]
    sources: frozenset[str] | None = None

    @property
    def is_single(self) -> bool:
        """Whether the whole file is one record, by what is true in JavaScript."""
        value = self.entry.get("singleRecord")
        return isinstance(value, (list, dict)) or bool(value)

    def has_source(self, names: Iterable[str]) -> bool:
        """Whether one of the names is a source or may be one, or there are no sources as all values are constants."""
        return self.sources is None or not self.sources or not self.sources.isdisjoint(names)

    def lookalikes(self, names: Iterable[str]) -> dict[str, str]:
        """Names that look like a source that is not among them, by that source."""
        names = set(names)
        missing = {simplified(source): source for source in (self.sources or frozenset()) - names}
        strangers = sorted(names - (self.sources or frozenset()))
        return {missing[simplified(name)]: name for name in strangers if simplified(name) in missing}

    def refuse_or_warn(self, warnings: Warnings, text: str, place: int, line_of: Callable[[int], int] = int) -> None:
        """Raise `FatalFinding`, or only warn if the sources are not known, as a plugin may handle it."""
        if self.sources is None:
            warnings.add(text, place)
        else:
            raise FatalFinding(text, line_of(place))


def line_of(text: str, offset: int) -> int:
    """The line number of a place in a text, from 1, as in editors."""
    return sum(1 for _break in LINE_BREAK.finditer(text, 0, offset)) + 1


def simplified(name: str) -> str:
    """A name without what people overlook in it: space, quotes, a prefix, the case."""
    return name.strip(f"{BOM}\"' \t").rpartition(":")[2].casefold()


def quoted_name(name: str) -> str:
    """A name for a message."""
    return repr(name[:MAX_NAME_LENGTH])


def lookalike_message(name: str, source: str) -> str:
    """The message about a name that looks like a source and is none."""
    wanted = f"{quoted_name(source)}, for which the control file looks"
    return f"The name {quoted_name(name)} is not {wanted}; Haplo does not find it."


def no_source_message(settings: ReaderSettings, what: str, names: Iterable[str]) -> str:
    """The message if none of the names is a source."""
    there = first_names(dict.fromkeys(names))
    looked_for = first_names(sorted(settings.sources or ()))
    return f"{what} has a name for which the control file looks: there is {there or 'none'}; it looks for {looked_for}."


def first_names(names: Iterable[str]) -> str:
    """The first of these names, for a message."""
    return first_of([quoted_name(name) for name in names], MAX_NAMES_SHOWN)
