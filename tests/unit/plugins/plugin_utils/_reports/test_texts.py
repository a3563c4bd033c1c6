# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as text for people."""

from __future__ import annotations

from ansible_collections.assetops.imports.plugins.plugin_utils._reports.texts import text

from .samples import EVIL, report


def test_the_text_fits_eighty_columns_where_names_leave_room() -> None:
    lines = "".join(text(report(targets=3, nights=90))).splitlines()
    assert not [line for line in lines if len(line) > 80]
    assert sum(line.startswith("license-server-002 ") for line in lines) == 2  # in two blocks
    assert "\x1b" not in "".join(text(report(name=EVIL)))
