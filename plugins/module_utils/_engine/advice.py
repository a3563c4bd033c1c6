# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run says to people about imports that they, or a later run, have to look after.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import ROLES, System, as_sentence
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import


class Advice:
    """Advice where the receipts decide about imports."""

    def __init__(self, system: System) -> None:
        self._system = system

    def on_unknown(self, one: Import) -> str:
        """What to do about an import of which nobody knows whether it happened."""
        if self._system.is_repeatable:
            return "Run again: that will tell, and import nothing twice."
        role = ROLES.get(one.wanted.system)
        variable = f" (role variable {role}_on_unknown)" if role else ""
        where = "Look there." if one.wanted.where is None else one.wanted.where(one.notes)
        return (
            f"So it is not known whether {one.wanted.target} has {one.wanted.source}. {where} If it was not"
            f" imported, run again with on_unknown=retry{variable}; if it was, say so with the playbook"
            f" assetops.imports.settle, import_settle_keys={one.wanted.key} and import_settle_state=succeeded, or"
            " failed where it was and failed; assetops.imports.import_receipt does the same in a playbook of your own."
        )

    def to_go_on(self, one: Import) -> str:
        """What to do about an import that is not over."""
        waiting_for = f"task {one.remote_id}" if one.remote_id else "it"
        return f"Run again to go on waiting for {waiting_for}; nothing is imported twice."


class StatusAdvice(Advice):
    """Advice where the status of the server decides about imports."""

    def on_unknown(self, one: Import) -> str:
        return "Look at the server; the next run goes by what its status says then."

    def to_go_on(self, one: Import) -> str:
        return (
            "Run again to wait for it, as long as it runs; once it is over, max_age keeps another from being started."
        )


def unsaved_message(one: Import, error: str) -> str:
    """The message of an import that went its way, but the next run will not know."""
    return (
        f"{as_sentence(one.message)} What became of it could not be written down: {as_sentence(error)} It is"
        f" {one.state} (remote id {one.remote_id}); see to the store, or the next run may not know."
    ).lstrip()
