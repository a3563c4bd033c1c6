# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input of the modules for Lifecycle Manager: a plain word about it, before anything is sent, made or written.

The options that all modules share are tested with License Statistics.
"""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from ..bad_input import Bad, assert_told_before_anything_happens, bad
from ..support import ABSENT, assert_plain_failure
from .driver import LIBRARY, Lm

LIBRARIES = [
    bad("library", ABSENT, "library", "required"),
    *[bad("library", value, "library") for value in ("", "..", "a\nb", " LibraryDemo")],
    *[bad("library", value, "library", "slash") for value in ("a/b", "../other")],
    bad("function_name", " ", "function_name"),
    bad("function_name", "importutils/import", "function_name", "slash"),
]
CREDENTIALS = [
    bad("username", ABSENT, "username", "password"),
    bad("username", "", "username"),
    bad("username", "a:b", "username", "colon"),
    bad("username", "a\nb", "username"),
    bad("password", ABSENT, "password", "username"),
    bad("password", "", "password"),
    bad("password", "abc", "password", "shorter"),
    bad("password", "hunter22\n", "password", "line break"),
]
CONNECTION = [
    bad("url", ABSENT, "url", "required"),
    bad("url", "lm.example.com", "url"),
    bad("url", "http://jdoe:hunter22@lm.example.com", "url", "user name or a password"),
    *LIBRARIES,
    *CREDENTIALS,
]
IMPORT = [
    bad("src", ABSENT, "src", "import_url"),
    bad("import_url", "http://acme.com/a.zip", "src|import_url"),
    bad("src", "", "src"),
    bad("src", "{place}/missing.zip", "missing.zip", "No such file"),
    bad("src", "{place}/empty.zip", "empty.zip", "empty"),
    bad("src", "{place}", "not a regular file"),
    *[
        bad("import_url", value, "import_url", src=ABSENT)
        for value in ("", "acme.com/a.zip", "http://", "http://acme.com/a b", "http://acme.com/ä")
    ],
    bad("import_url", "http://jdoe:hunter22@acme.com:port/a.zip?hunter22", "import_url", src=ABSENT),
    bad("import_version", "1", "import_version", "src"),
    bad("import_version", " ", "import_version", src=ABSENT, import_url="http://acme.com/a.zip"),
    bad("feed", "", "feed"),
    *[bad(name, "", name) for name in ("import_user", "attribute_delimiter", "attribute_value_delimiter")],
    *[bad(name, v, name) for name in ("concurrent_thread", "load_factor", "thread_sleep") for v in (-1, "few")],
    *[
        bad(name, "perhaps", name)
        for name in ("replace", "email_results", "ignore_asset_id", "bypass_governance", "validate_import", "submit")
    ],
    *[bad(name, "perhaps", name) for name in ("allow_parsing_errors", "allow_unpublished", "counts")],
    *[bad("settle_time", value, "settle_time") for value in (-1, "inf", 1e300, "soon")],
    bad("once", "never", "once"),
    bad("target_name", " ", "target_name"),
]
EMPTYING = [
    bad("state", ABSENT, "state", "required"),
    bad("state", "present", "state", "present"),
    bad("confirm", ABSENT, "confirm", "required"),
    *[bad("confirm", value, "confirm", "equal") for value in ("", "librarydemo", "LibraryDemo ", True)],
    bad("library", "Other", "confirm", "equal", confirm=LIBRARY),
    bad("clear_events", "perhaps", "clear_events"),
    *[bad("wait_timeout", value, "wait_timeout") for value in (-1, "nan")],
    bad("require_receipts", True, "require_receipts"),
    bad("receipts", "relative.db", "relative.db"),
    bad("target_name", " ", "target_name"),
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with an archive and an empty file."""
    folder = tmp_path / "place"
    folder.mkdir()
    (folder / "good.zip").write_bytes(b"PK\3\4")
    (folder / "empty.zip").touch()
    return folder


@pytest.mark.parametrize("case", [*CONNECTION, *IMPORT])
@pytest.mark.usefixtures("place")
def test_bad_input_of_an_import_is_reported_before_anything_happens(lm: Lm, case: Bad) -> None:
    for check in (True, False):
        run = functools.partial(lm, check=check)
        assert_told_before_anything_happens(case, run, lm.sandbox, lm.folder, src="{place}/good.zip")


@pytest.mark.parametrize("case", [*LIBRARIES, *CREDENTIALS[:1], *EMPTYING])
def test_bad_input_of_an_emptying_is_reported_before_anything_happens(lm: Lm, case: Bad) -> None:
    good = {"confirm": case.options.get("library", LIBRARY)}
    assert_told_before_anything_happens(case, lm.empty, lm.sandbox, lm.folder, **good)


@pytest.mark.parametrize("case", CONNECTION)
def test_bad_input_of_a_question_is_reported_before_anything_happens(lm: Lm, case: Bad) -> None:
    assert_told_before_anything_happens(case, lm.library_info, lm.sandbox, lm.folder)
    assert_told_before_anything_happens(case, lm.run_info, lm.sandbox, lm.folder, run_id="import_1")


@pytest.mark.parametrize("run_id", ["", "a\nb"])
def test_what_cannot_be_a_run_id_is_reported(lm: Lm, run_id: str) -> None:
    result = lm.run_info(run_id)

    assert_plain_failure(result)
    assert "run_id" in result["msg"]
    assert lm.sandbox.requests() == []


@pytest.mark.parametrize("status", [400, 500])
def test_what_is_no_archive_is_reported_in_the_words_of_the_server(lm: Lm, place: Path, status: int) -> None:
    """It is not looked into before it is sent: nobody outside knows the format."""
    lm.sandbox.configure("lm", bad_archive_status=status)

    result = lm(place / "good.zip")

    assert_plain_failure(result)
    assert (result["state"], result["changed"], result["http_status"]) == ("failed", False, status)
    assert "cannot be read as a zip" in result["msg"]
