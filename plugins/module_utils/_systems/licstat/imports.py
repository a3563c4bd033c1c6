# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An import into a license server of License Statistics: its options, its identity, and the content that is sent.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    BadInput,
    Period,
    Wanted,
    identity_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.content import (
    Content,
    Interrupted,
    digests_or_errors,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.connection import SYSTEM

GATHER = {"denials": "Denials", "usage": "Usage"}
# The vendor writes "Leave Tail" with a space; that it is sent so is a guess.
MERGE_POLICY = {"reject": "Reject", "replace": "Replace", "merge": "Merge", "leave_tail": "Leave Tail"}
CLOCKS_DIFFER = timedelta(seconds=300)  # by more than that, one of them is wrong


@dataclass(frozen=True)
class ImportOptions:
    """The parameters of an import; None is not sent, and the server's documented default holds.

    `start` and `end` bound the time range that is imported, in the time zone of the License Statistics server (a
    guess: the vendor names none), and both are in it (another guess). `is_window`: the range, not the content, is what
    the import is known by. `zone` says when it is over; None is the zone of this host.
    """

    license_server_id: int
    gather: tuple[str, ...] | None = None
    merge_policy: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    resolve_domain_names_to_ip: bool | None = None
    find_domain_names_by_ip: bool | None = None
    is_window: bool = False
    zone: tzinfo | None = None

    def check(self) -> None:
        """Raise `BadInput` for a range that cannot be."""
        if self.start and self.end and self.start > self.end:
            raise BadInput(f"from ({self.start}) is later than to ({self.end}).")
        now = datetime.now(timezone.utc)
        if self.is_window and self.end and not self.is_over(now):
            where = f" in {self.zone}" if self.zone else ""
            raise BadInput(
                f"A time range has to be over, and its end, {self.end}, is yet to come: it is"
                f" {now.astimezone(self.zone):%Y-%m-%d %H:%M:%S}{where}."
            )

    def is_over(self, now: datetime) -> bool:
        """Whether the end has passed by a clock with a zone, even where it comes twice as clocks are set back."""
        if self.end is None:
            return False
        last_second = self.end.replace(tzinfo=self.zone, fold=1).astimezone(timezone.utc)
        return last_second + timedelta(seconds=1) <= now

    def with_identity(self, identity: Mapping[str, Any]) -> ImportOptions:
        """The options of an earlier import with this identity; what is not part of an identity stays."""
        start, end = (identity[name] and datetime.fromisoformat(identity[name]) for name in ("from", "to"))
        return replace(
            self,
            gather=tuple(identity["gather"]),
            merge_policy=identity["merge_policy"],
            start=start,
            end=end,
            resolve_domain_names_to_ip=identity["resolve_domain_names_to_ip"] or None,
            find_domain_names_by_ip=identity["find_domain_names_by_ip"] or None,
        )

    def query(self) -> dict[str, str]:
        """As the vendor's page spells them, only those that are set."""
        values = {
            "gather": self.gather and ",".join(GATHER[name] for name in sorted(self.gather)),
            "mergePolicy": self.merge_policy and MERGE_POLICY[self.merge_policy],
            "from": self.start and self.start.isoformat(" "),
            "to": self.end and self.end.isoformat(" "),
            "resolveDomainNamesToIP": _boolean(self.resolve_domain_names_to_ip),
            "findDomainNamesByIP": _boolean(self.find_domain_names_by_ip),
        }
        return {name: value for name, value in values.items() if value}

    def identity(self) -> dict[str, Any]:
        """What of these makes it another import, with the documented defaults filled in."""
        return {
            "gather": sorted(self.gather or GATHER),
            "merge_policy": self.merge_policy or "reject",
            "from": self.start.isoformat() if self.start else None,
            "to": self.end.isoformat() if self.end else None,
            "resolve_domain_names_to_ip": bool(self.resolve_domain_names_to_ip),
            "find_domain_names_by_ip": bool(self.find_domain_names_by_ip),
            "identity": "window" if self.is_window else "content",
        }


@dataclass(frozen=True)
class LogUpload:
    """What is sent for one import."""

    options: ImportOptions
    content: Content


def target_of(server: str, options: ImportOptions) -> str:
    """The name of a license server, for people and receipts."""
    return f"{server} license server {options.license_server_id}"


def wanted_import(server: str, options: ImportOptions, content: Content, sha256: str | None) -> Wanted:
    """The import of one log. `server` is the base URL in its one spelling, or the name given to that target."""
    parts = {"system": SYSTEM, "server": server, "target": options.license_server_id, "content": sha256}
    return Wanted(
        key=identity_of(**parts, options=options.identity()),
        system=SYSTEM,
        target=target_of(server, options),
        # Read only where an earlier state of a log can be imported again (once: latest).
        stream=identity_of(system=SYSTEM, server=server, target=options.license_server_id, feed=content.name),
        source=content.source,
        size=content.size,
        content_sha256=sha256,
        options=options.identity(),
        payload=LogUpload(options, content),
        read_period=lambda: _period_of(content),
    )


def unreadable_import(server: str, options: ImportOptions, content: Content, obstacle: str) -> Wanted:
    """The import of a log whose content cannot be known now, and so is not that of any other log."""
    wanted = wanted_import(server, options, content, None)
    return replace(wanted, key=identity_of(hindered=wanted.key, source=content.source), obstacle=obstacle)


def wanted_imports(server: str, options: ImportOptions, contents: list[Content], store: Store) -> list[Wanted]:
    """The import of each log. One that is still being written, or is gone, does not keep the others from it."""
    wanted = []
    for content, digest in zip(contents, digests_or_errors(contents, store)):
        if isinstance(digest, Interrupted):
            wanted.append(unreadable_import(server, options, content, f"{digest.message} Nothing of it was sent."))
        else:
            wanted.append(wanted_import(server, options, content, digest))
    return wanted


def _period_of(content: Content) -> Period | None:
    # Not needed, and so not to be loaded, where there is nothing to import.
    from ansible_collections.assetops.imports.plugins.module_utils._files.period import period_of

    return period_of(content)


def _boolean(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()
