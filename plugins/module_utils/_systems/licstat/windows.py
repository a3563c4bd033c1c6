# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports of time ranges of a growing log: which one comes next, and what has to end before it.

The receipts say which time ranges of a license server were imported. Of those with the same `gather`, the end of the
last one that succeeded is the high-water mark: what comes after it, up to the last midnight, is the next one. So a
night that failed or never came is in the one after it. A range of which nobody knows how it ended blocks all later
ones, since either answer changes where they begin.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Wanted, as_sentence
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Windows
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.imports import (
    ImportOptions,
    wanted_import,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.ranges import (
    SECOND,
    SUCCEEDED,
    TimeRange,
    history_of,
    range_of,
)

ATTEMPTS = 10  # after so many times that another run was faster, it is left to the next run


@dataclass(frozen=True)
class WindowImporter:
    """Imports time ranges of one log into a license server.

    `run` makes an import true. `windows` reads from the receipts which time ranges of the license server there are.
    `wanted` is the import of a range of the log.
    """

    run: Callable[[Wanted], Import]
    windows: Callable[[], Windows]
    wanted: Callable[[ImportOptions], Wanted]

    def named(self, options: ImportOptions) -> list[Import]:
        """Import the time range in the options."""
        return [self.run(self.wanted(options))]

    def since_last(self, options: ImportOptions) -> list[Import]:
        """Import what came after the last range that succeeded, up to the end in the options.

        What an earlier run left unfinished comes first. The beginning in the options is that of the first range of all.
        """
        ended: dict[str, Import] = {}
        for _unused in range(ATTEMPTS):
            known = self.windows()
            history = history_of(known.found, options, {key: one.state for key, one in ended.items()})
            if history.unfinished is not None:
                # One that failed would be sent again, also where another run has seen it fail and gone on by now.
                unfinished = options.with_identity(history.unfinished.options)
                one = self.run(replace(self.wanted(unfinished), basis=known.basis))
                if one.is_plan_stale:
                    continue
                ended[one.wanted.key] = one
                if one.state not in (*SUCCEEDED, "failed"):
                    one.message = _blocking_message(one, range_of(history.unfinished))
                    return list(ended.values())
                continue
            mark, end = history.high_water_mark, options.end
            if mark is not None and end is not None and end <= mark:
                last = options.with_identity(history.succeeded[-1].options)
                return list(ended.values()) or self.named(last)
            start = options.start if mark is None else mark + SECOND
            one = self.run(replace(self.wanted(replace(options, start=start)), basis=known.basis))
            if not one.is_plan_stale:
                break
        return _without_repeated_failures([*ended.values(), one])

    def one_day(self, options: ImportOptions, day: TimeRange) -> Import:
        """Import a day, which the options are for. Where a longer range contained it, that is the import."""
        for _unused in range(ATTEMPTS):
            known = self.windows()
            meant = history_of(known.found, options).options_for(options, day)
            one = self.run(replace(self.wanted(meant), basis=known.basis))
            if not one.is_plan_stale:
                break
        return one


def window_importer(importer: Importer, store: Store, server: str, content: Content, target: str) -> WindowImporter:
    """Imports of time ranges of this log into this target."""
    return WindowImporter(
        run=lambda one: importer.run([one])[0],
        windows=lambda: store.windows_of(target),
        wanted=lambda options: wanted_window(server, options, content),
    )


def wanted_window(server: str, options: ImportOptions, content: Content) -> Wanted:
    """The import of a time range of a log, which may go on growing."""
    return wanted_import(server, options, replace(content, may_grow=True), None)


def check_single_log(contents: list[Content]) -> None:
    """Raise `BadInput` where a time range would be imported from the first of several logs only."""
    if len(contents) > 1:
        raise BadInput(
            f"A time range is imported from exactly one log, and here are {len(contents)}; name the one in src."
        )


def find_gaps(store: Store, target: str, options: ImportOptions, *, is_since_last: bool) -> list[TimeRange]:
    """What was never imported between time ranges that were; for a range that is named, only right before it."""
    history = history_of(store.windows_of(target).found, options)
    if is_since_last:
        return history.gaps
    return [gap for gap in (options.start and history.gap_before(options.start),) if gap]


def _blocking_message(one: Import, time_range: TimeRange) -> str:
    """Why nothing later is imported."""
    return f"{as_sentence(one.message)} Until it is known how {time_range} ended, nothing later is imported.".lstrip()


def _without_repeated_failures(imports: list[Import]) -> list[Import]:
    """Leave out those that failed but are in the last one, if that went well; its message names them."""
    last = imports[-1]
    failed = [one for one in imports[:-1] if one.state == "failed"]
    if not failed or last.has_failed:
        return imports
    included = (f"It holds what failed before (task {one.remote_id}): {as_sentence(one.message)}" for one in failed)
    last.message = " ".join([as_sentence(last.message), *included]).lstrip()
    return [one for one in imports if one not in failed]
