# SPDX-License-Identifier: GPL-3.0-or-later
"""What the importing modules share in their results is told in one place, tests/tools/returns.yml."""

from __future__ import annotations

from pathlib import Path

import pytest

from ...tools.returns import IMPORTERS, completed


@pytest.mark.parametrize("module", IMPORTERS, ids=lambda path: path.stem)
def test_a_module_documents_what_all_return(module: Path) -> None:
    assert module.read_text(encoding="utf-8") == completed(module), "run: python -m tests.tools.returns"


def test_a_field_that_is_missing_or_told_otherwise_is_written(tmp_path: Path) -> None:
    text = IMPORTERS[0].read_text(encoding="utf-8")
    module = tmp_path / IMPORTERS[0].name
    shortened = "http_status:\n  description: Something else.\n"
    module.write_text(text[: text.index("http_status:\n")] + shortened + text[text.rindex('"""\n') :], encoding="utf-8")
    rest = completed(module)
    assert "Something else." not in rest
    assert "response:\n  description: The beginning of that answer." in rest
