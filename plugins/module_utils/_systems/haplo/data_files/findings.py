# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is found in data files: where Haplo would import something else than was meant, or nothing.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

MAX_WARNINGS = 20  # different ones of one file


@dataclass(frozen=True)
class FileFinding:
    """What Haplo would do with a file that was not meant, and what to do about it.

    `is_fatal`: nothing of the file can be imported. Otherwise something is imported wrongly, or not at all, and Haplo
    says nothing. `line` and `column` count from 1; 0 is the file as a whole. `others` is in how many more places it is.
    """

    text: str
    is_fatal: bool = False
    line: int = 0
    column: int = 0
    others: int = 0

    def __str__(self) -> str:
        """A text to follow the name of the file."""
        place = f", line {self.line}" if self.line else ""
        place += f", column {self.column}" if self.column else ""
        others = f", and {self.others} more like that" if self.others else ""
        return f"{place}{others}: {self.text}"


class FatalFinding(Exception):
    """Nothing of the file can be imported."""

    def __init__(self, text: str, line: int = 0, column: int = 0) -> None:
        super().__init__(text)
        self.finding = FileFinding(text, is_fatal=True, line=line, column=column)


class CannotCheck(Exception):
    """The file cannot be read here, but may be good."""


class Warnings:
    """The warnings about one file, `MAX_WARNINGS` at most, each with its first place and the number of places."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[int, int]] = {}

    def add(self, text: str, place: int = 0) -> None:
        """Add a warning, or one more place of it."""
        if text in self._places or len(self._places) < MAX_WARNINGS:
            first, count = self._places.get(text, (place, 0))
            self._places[text] = first, count + 1

    def findings(self, line_of: Callable[[int], int] = int) -> list[FileFinding]:
        """All of them, by their first places. `line_of` makes a line number of a place."""
        ordered = sorted(self._places.items(), key=lambda one: one[1][0])
        return [FileFinding(text, line=line_of(place), others=count - 1) for text, (place, count) in ordered]
