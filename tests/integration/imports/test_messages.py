# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads when something is wrong: what it is, in which option by all its names, and what to do."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from ..bigfix.driver import DataImports
from ..haplo.driver import STANDARD, Haplo
from ..haplo.test_bad_input import CONTROL
from ..lm.driver import Lm
from ..support import ABSENT, Licstat, Logs, assert_plain_failure, only

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def runs(licstat: Licstat, bigfix: DataImports, lmt: DataImports, haplo: Haplo, lm: Lm, log: Path) -> dict[str, Run]:
    """Each module that speaks to a server, with options that are right but for what a test gives."""
    archive = lm.archive()
    return {
        "licstat_import": lambda **options: licstat(log, **options),
        "licstat_task_info": lambda **options: licstat.task_info(**{"task_id": "import_1", **options}),
        "bigfix_import": bigfix,
        "bigfix_import_info": bigfix.info,
        "lmt": lmt,
        "haplo_batch": haplo,
        "haplo_batch_info": haplo.batch_info,
        "standard": Haplo(haplo.sandbox, haplo.folder, STANDARD),
        "lm_import": lambda **options: lm(archive, **options),
        "lm_import_info": lambda **options: lm.run_info("import_1", **options),
        "lm_library": lm.empty,
        "lm_library_info": lm.library_info,
    }


def assert_says(result: dict[str, Any], *words: str) -> None:
    """It failed, and the message holds all these words and nothing that is badly put."""
    assert_plain_failure(result)
    for word in words:
        assert word in result["msg"]
    assert not re.search(r"[.!?]\.( |$)", result["msg"]), result["msg"]


# Options that are empty.

EMPTY = [
    ("licstat_import", "api_token", "licstat_import_api_token", "LICSTAT_API_TOKEN"),
    ("licstat_import", "url", "licstat_import_url", "LICSTAT_URL"),
    ("licstat_import", "license_server_id", "licstat_import_license_server_id", "License Server ID"),
    ("licstat_task_info", "api_token", "LICSTAT_API_TOKEN", "administrator"),
    ("bigfix_import", "token", "bigfix_import_token", "BIGFIX_TOKEN"),
    ("bigfix_import", "url", "bigfix_import_url", "BIGFIX_URL"),
    ("bigfix_import", "username", "bigfix_import_username", "BIGFIX_USERNAME"),
    ("bigfix_import", "password", "bigfix_import_password", "BIGFIX_PASSWORD"),
    ("bigfix_import_info", "token", "bigfix_import_token", "BIGFIX_TOKEN"),
    ("lmt", "token", "bigfix_import_token", "LMT_TOKEN"),
    ("haplo_batch", "api_key", "haplo_batch_api_key", "HAPLO_API_KEY"),
    ("haplo_batch", "url", "haplo_batch_url", "HAPLO_URL"),
    ("haplo_batch_info", "url", "haplo_batch_url", "HAPLO_URL"),
    ("haplo_batch_info", "outcome_api_key", "HAPLO_OUTCOME_API_KEY", "in the group 'Batch data administration'"),
    ("standard", "api_key", "HAPLO_API_KEY", "Standard Batch APIs > Create API key..."),
    ("lm_import", "library", "lm_import_library", "LPC"),
    ("lm_import", "function_name", "lm_import_function_name", "importutils"),
    ("lm_import", "username", "lm_import_username", "LM_USERNAME"),
    ("lm_import", "password", "lm_import_password", "LM_PASSWORD"),
    ("lm_import_info", "password", "LM_PASSWORD", "leave out"),
    ("lm_library", "library", "lm_import_library", "LPC"),
    ("lm_library_info", "url", "LM_URL", "lm_import_url"),
]


@pytest.mark.parametrize(("module", "option", "first", "second"), EMPTY)
def test_an_empty_option_is_called_empty(
    runs: dict[str, Run], licstat: Licstat, module: str, option: str, first: str, second: str
) -> None:
    for value in ("", " \t"):
        others = {"confirm": value} if module == "lm_library" and option == "library" else {}

        result = runs[module](**{option: value, **others})

        assert_says(result, f"{option} is empty", first, second)
        assert "shorter" not in result["msg"]
    assert licstat.sandbox.requests() == []


def test_an_empty_environment_variable_is_as_not_set(
    runs: dict[str, Run], licstat: Licstat, lm: Lm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As AWX sets those of the fields of a credential that were left empty."""
    for name in ("LICSTAT_API_TOKEN", "HAPLO_OUTCOME_API_KEY", "LM_USERNAME", "LM_PASSWORD", "ASSETOPS_PROGRESS"):
        monkeypatch.setenv(name, " " if name == "LICSTAT_API_TOKEN" else "")

    assert "missing required arguments: api_token" in runs["licstat_import"](api_token=ABSENT)["msg"]
    assert licstat.sandbox.requests() == []
    assert runs["haplo_batch"](outcome_api_key=ABSENT)["state"] == "scheduled"
    assert "401" in lm(lm.archive(), username=ABSENT, password=ABSENT)["msg"]


def test_an_empty_place_for_receipts_is_an_error(
    runs: dict[str, Run], licstat: Licstat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it was meant to be set, another store would be the beginning of importing everything again."""
    monkeypatch.setenv("ASSETOPS_RECEIPTS", "")

    assert_says(runs["licstat_import"](receipts=ABSENT), "receipts")
    assert licstat.sandbox.requests() == []


def test_an_empty_password_for_receipts_is_called_empty(runs: dict[str, Run]) -> None:
    result = runs["licstat_import"](receipts="postgresql://127.0.0.1:9/x", receipts_password="")

    assert_says(result, "receipts_password is empty", "leave receipts_password out")


# Addresses.

PAGES = ["/index.html", "/ui/start.jsp"]
BEYOND = {
    "licstat_import": ["/api", "/api/v2/", "/api/v3/admin/license-server/40/import", *PAGES],
    "licstat_task_info": ["/api/v3"],
    "bigfix_import": ["/api", "/api/get_token", "/management/imports", "/management", *PAGES],
    "bigfix_import_info": ["/api/import_status.json"],
    "haplo_batch": ["/api", "/api/haplo-data-import-batch/batch", "/do/admin", "/do", *PAGES],
    "haplo_batch_info": ["/api", "/do/haplo-data-import-batch/batch/7"],
    "standard": ["/api/haplo-data-import-standard-api/schedule"],
    "lm_import": ["/lm/custom", "/lm/custom/rest/LibraryDemo/importutils", *PAGES],
    "lm_import_info": ["/lm/custom/rest"],
    "lm_library": ["/lm/custom/rest"],
    "lm_library_info": ["/lm/custom/rest"],
}
ADDRESSES = {
    "licstat": "LICSTAT_URL",
    "bigfix": "BIGFIX_URL",
    "haplo": "HAPLO_URL",
    "standard": "HAPLO_URL",
    "lm": "LM_URL",
}


@pytest.mark.parametrize(
    ("module", "ending"), [(module, ending) for module, endings in BEYOND.items() for ending in endings]
)
def test_an_address_with_the_path_of_the_api_or_a_page_is_refused(
    runs: dict[str, Run], licstat: Licstat, module: str, ending: str
) -> None:
    for check in (False, True):
        result = runs[module](url=f"{licstat.sandbox.url}/prefix{ending}", check=check)

        assert_says(result, "url", f"leave out '{ending.rstrip('/')}'"[:-1].replace("/ui", ""), "with")
        assert ADDRESSES[module.split("_", maxsplit=1)[0]] in result["msg"]
    assert licstat.sandbox.requests() == []


@pytest.mark.parametrize(
    ("module", "words"), [("licstat_import", "port"), ("haplo_batch", "/do"), ("lm_import", "port")]
)
@pytest.mark.parametrize("ending", ["/#/servers", "/a b"])
def test_what_is_no_address_comes_with_what_is_one(
    runs: dict[str, Run], licstat: Licstat, module: str, words: str, ending: str
) -> None:
    result = runs[module](url=f"{licstat.sandbox.url}/x{ending}")

    assert_says(result, "url", words, "role variable")
    assert licstat.sandbox.requests() == []


NOWHERE = [
    ("licstat_import", ["LICSTAT_URL", "with its port", "/api/v3", "license_server_id", "License Server ID"]),
    ("bigfix_import", ["BIGFIX_URL", "with its port", "9081", "/api"]),
    ("bigfix_import_info", ["BIGFIX_URL", "with its port", "9081", "/api"]),
    ("haplo_batch", ["HAPLO_URL", "without /api", "/do", "plugin for batch import", "api_path"]),
    ("haplo_batch_info", ["HAPLO_URL", "without /api", "/do", "plugin"]),
    ("standard", ["HAPLO_URL", "without /api", "/do", "plugin for standard batch import", "api_path"]),
    ("lm_import", ["LM_URL", "with its port", "/lm/custom/rest", "library", "function_name"]),
    ("lm_import_info", ["LM_URL", "lm_import_library"]),
    ("lm_library", ["LM_URL", "lm_import_library"]),
    ("lm_library_info", ["LM_URL", "lm_import_library"]),
]


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(("module", "words"), NOWHERE)
def test_where_there_is_nothing_it_is_said_how_an_address_looks(
    runs: dict[str, Run], licstat: Licstat, module: str, words: list[str]
) -> None:
    for path in ("", "/nothing/here"):
        assert_says(runs[module](url=f"{licstat.sandbox.url}{path}"), "404", *words)


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    ("module", "options", "words"),
    [
        ("licstat_import", {"license_server_id": 4711}, ["license_server_id", "License Server ID"]),
        ("lm_import", {"library": "Other"}, ["library", "lm_import_library", "LPC"]),
        ("lm_import", {"function_name": "other"}, ["function_name", "LPC"]),
        ("lm_library_info", {"library": "Other"}, ["library", "LPC"]),
        ("lm_library", {"library": "Other", "confirm": "Other"}, ["library", "LPC"]),
    ],
)
def test_what_the_server_does_not_have_is_reported_with_its_option(
    runs: dict[str, Run], module: str, options: dict[str, Any], words: list[str]
) -> None:
    assert_says(runs[module](**options), "404", *words)


# Credentials.


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    ("module", "options", "words"),
    [
        ("licstat_import", {"api_token": "0" * 32}, ["api_token", "LICSTAT_API_TOKEN", "licstat_import_api_token"]),
        ("licstat_task_info", {"api_token": "0" * 32}, ["api_token", "LICSTAT_API_TOKEN", "API scope"]),
        ("bigfix_import", {"token": "0" * 40}, ["token", "BIGFIX_TOKEN", "Manage Imports"]),
        ("bigfix_import_info", {"token": "0" * 40}, ["token", "BIGFIX_TOKEN"]),
        ("lmt", {"token": "0" * 40}, ["token", "LMT_TOKEN", "bigfix_import_token"]),
        ("bigfix_import", {"token": ABSENT, "username": "x", "password": "wrong"}, ["username", "BIGFIX_PASSWORD"]),
        ("haplo_batch", {"api_key": "0" * 40}, ["api_key", "HAPLO_API_KEY", "haplo_batch_api_key"]),
        ("haplo_batch_info", {"outcome_api_key": "0" * 40}, ["outcome_api_key", "HAPLO_OUTCOME_API_KEY"]),
        ("standard", {"api_key": "0" * 40}, ["api_key", "HAPLO_API_KEY", "Standard Batch APIs > Create API key..."]),
        ("lm_import", {"password": "wrong"}, ["username", "LM_USERNAME", "password", "LM_PASSWORD", "ACE"]),
        ("lm_import_info", {"password": "wrong"}, ["username", "LM_USERNAME", "password", "LM_PASSWORD"]),
        ("lm_library", {"password": "wrong"}, ["lm_import_username", "lm_import_password"]),
        ("lm_library_info", {"password": "wrong"}, ["lm_import_username", "lm_import_password"]),
    ],
)
def test_refused_credentials_are_named(
    runs: dict[str, Run], module: str, options: dict[str, Any], words: list[str]
) -> None:
    assert_says(runs[module](**options), *words)


def test_a_refused_key_is_explained_before_the_words_of_haplo(haplo: Haplo) -> None:
    for result in (haplo(api_key="0" * 40), haplo.batch_info(outcome_api_key="0" * 40)):
        assert result["msg"].index("api_key") < result["msg"].index("HTTP 403")


# Numbers.


@pytest.mark.parametrize("value", ["", "cad", 4.5, "4.5", "40/..", [40], True, 0, -1, "0x28", "٤٠"])
def test_a_license_server_that_is_no_number_is_reported_where_the_number_is(
    runs: dict[str, Run], licstat: Licstat, value: Any
) -> None:
    result = runs["licstat_import"](license_server_id=value)

    assert_says(result, "license_server_id", "Administration > License Servers, column License Server ID")
    assert "licstat_import_license_server_id" in result["msg"]
    assert licstat.sandbox.requests() == []


@pytest.mark.parametrize("value", [40, "40", " 40 ", 40.0, "40.0"])
def test_a_number_of_a_license_server_may_be_written_as_yaml_and_templates_do(runs: dict[str, Run], value: Any) -> None:
    assert only(runs["licstat_import"](license_server_id=value))["target"].endswith("license server 40")


# Files.

ODD = [
    ("{logs}/*.log", ["wildcards are not expanded", "fileglob"]),
    ("{logs}/debug-?.log", ["wildcards are not expanded"]),
    ("C:\\logs\\x.log", ["a path of Windows"]),
    ("c:/logs/x.log", ["a path of Windows"]),
    ("\\\\server\\share\\x.log", ["a path of Windows"]),
    ("https://logs.example.com/x.log", ["a URL", "download"]),
    ("file:///var/log/x.log", ["a URL"]),
    ("'{logs}/debug-1.log'", ["quotes"]),
    ('"{logs}/debug-1.log"', ["quotes"]),
    ("{logs}/debug-1.log ", ["space around it"]),
    (" {logs}/debug-1.log", ["space around it"]),
    ("{logs}/debug-1.log\n", ["space around it"]),
    ("{logs}/debug-1.log,{logs}/debug-2.log", ["several files", "a list"]),
    ("{logs}/debug-1.log;{logs}/debug-2.log", ["several files"]),
    ("[{logs}/debug-1.log]", ["a list written as a text"]),
    ("{{ log }}", ["a template"]),
    ("$LOGS_OF_NOBODY/debug-1.log", ["environment variable LOGS_OF_NOBODY is not set"]),
    ("{logs}", ["not a regular file but a folder", "name the files in it"]),
    ("", ["name is empty"]),
    ("  ", ["name is empty"]),
]
OF_EACH_KIND = ("{logs}/*.log", "https://logs.example.com/x.log", "{logs}", "")


def placed(name: str, logs: Path) -> str:
    return name.replace("{logs}", str(logs))


@pytest.mark.parametrize(("name", "words"), ODD)
def test_what_is_no_name_of_a_file_is_reported_for_what_it_is(
    licstat: Licstat, log: Path, make_log: Logs, name: str, words: list[str]
) -> None:
    make_log()

    assert_says(licstat(src=[placed(name, log.parent)]), "src", *words, socket.gethostname())


@pytest.mark.parametrize(("name", "words"), [one for one in ODD if one[0] in OF_EACH_KIND])
def test_what_is_no_name_of_a_file_is_reported_of_a_batch_and_an_archive_too(
    haplo: Haplo, lm: Lm, log: Path, name: str, words: list[str]
) -> None:
    path = placed(name, log.parent)
    as_archive = ["import_url"] if "://" in name else words

    assert_says(haplo(control=path), "control", *words)
    assert_says(haplo(files=[{"name": "people", "src": path}]), "files", *words)
    assert_says(lm(src=path), "src", *as_archive)


def test_a_missing_file_comes_with_the_folder_and_what_is_like_it(licstat: Licstat, make_log: Logs) -> None:
    folder = make_log("cad/debug.log.1").parent
    make_log("cad/Debug.log.2")
    make_log("cad/other.txt")

    missing = licstat(src=[str(folder / "debug.log")])
    far = licstat(src=[str(folder.parent / "cat" / "eda" / "debug.log")])
    alone = licstat(src=[str(folder / "zzz")])

    assert_says(missing, "No such file", f"the folder {folder} is there", "debug.log.1", "Debug.log.2")
    assert "other.txt" not in missing["msg"]
    assert_says(far, f"the folder {folder.parent} is there", "most like it in there is cad")
    assert_says(alone, f"the folder {folder} is there, and nothing in it has a name like zzz")


def test_a_link_to_nowhere_and_an_empty_folder_are_reported(licstat: Licstat, tmp_path: Path) -> None:
    (tmp_path / "link.log").symlink_to("nowhere.log")
    (tmp_path / "none").mkdir()

    assert_says(licstat(src=[str(tmp_path / "link.log")]), "it is a link to nowhere.log")
    assert_says(
        licstat(src=[str(tmp_path / "none" / "debug.log")]), f"the folder {tmp_path / 'none'} is there, and is empty"
    )


@pytest.mark.parametrize("place", ["file", "folder"])
def test_a_file_that_may_not_be_read_is_reported_with_its_owner_and_this_user(
    licstat: Licstat, log: Path, place: str
) -> None:
    barred = log if place == "file" else log.parent
    os.chown(barred, 1, 1)
    barred.chmod(0o600)

    result = licstat.unprivileged(log)

    assert_says(
        result, "Permission denied", f"{barred} belongs to daemon (uid 1) and has mode 0600", "user root (uid 0)"
    )
    assert socket.gethostname() in result["msg"]


@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key"])
def test_a_missing_file_for_tls_comes_with_what_is_like_it(
    licstat: Licstat, log: Path, tmp_path: Path, option: str
) -> None:
    trustme.CA().issue_cert("a@example.com").cert_chain_pems[0].write_to_path(str(tmp_path / "authority.pem"))
    options: dict[str, Any] = {"client_cert": str(tmp_path / "authority.pem")} if option == "client_key" else {}
    options[option] = str(tmp_path / "autority.pem")

    result = licstat(log, **options)

    assert_says(result, option, "No such file", "authority.pem", "Nothing was sent")


@pytest.mark.parametrize("place", ["file", "folder"])
def test_a_store_of_another_user_is_reported_with_its_owner_and_this_user(
    licstat: Licstat, log: Path, place: str
) -> None:
    licstat(log)
    barred = licstat.store if place == "file" else licstat.store.parent
    for path in (licstat.store, licstat.store.parent):
        os.chown(path, 1, 1)
        path.chmod(0o755 if path == licstat.store.parent and place == "file" else 0o700)

    result = licstat.unprivileged(log)

    assert_says(result, "receipt store", f"{barred} belongs to daemon (uid 1)", "this is user root (uid 0)")


# Control files.


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([{"first": "Joe"}], ["not a JSON object", "looks like a data file"]),
        ({"first": "Joe"}, ["has no dataImportControlFileVersion", "looks like a data file"]),
        ("<people><person/></people>", ["not JSON", "looks like a data file"]),
        ({name: CONTROL[name] for name in ("model", "files", "instructions")}, ["has no dataImportControlFileVersion"]),
        ({**CONTROL, "model": ["haplo:person"]}, ["model has to be the name"]),
        ({**CONTROL, "instructions": "new"}, ["instructions has to be a list"]),
        ({**CONTROL, "instructions": None}, ["instructions has to be a list"]),
        ({**CONTROL, "instructions": [{"action": "new"}, "new"]}, ["instruction 2 has to be an object"]),
        ({**CONTROL, "instructions": [{"action": ["new"]}]}, ["action of instruction 1"]),
        ({**CONTROL, "instructions": [{"filters": "trim"}]}, ["filters of instruction 1 has to be a list"]),
    ],
)
def test_a_control_file_of_another_shape_is_reported(haplo: Haplo, content: Any, words: list[str]) -> None:
    haplo.control.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")

    assert_says(haplo(check=True), f"control: {haplo.control} is no control file", *words)
    assert haplo.sent() == []


# What the server says.


@pytest.mark.parametrize("words", ["No.", "No?", "No...", "Not now", 'It said "no."'])
def test_the_words_of_a_server_end_once(licstat: Licstat, log: Path, words: str) -> None:
    said = {"success": False, "msg": words, "data": None}
    licstat.sandbox.fault("json", operation="import", when="after_body", json=said)

    assert_says(licstat(log), words.rstrip("."))


def test_the_words_of_a_task_and_of_another_system_end_once(licstat: Licstat, haplo: Haplo, log: Path) -> None:
    task = {"success": True, "msg": None, "data": {"tid": None, "sts": "FAILURE", "err": "No."}}
    licstat.sandbox.fault("json", operation="status", json=task, times=None)
    assert_says(licstat(log), "No")

    haplo.sandbox.fault("status", system="haplo", operation="batch", when="after_body", status=400, body="No.")
    assert_says(haplo(), "No")


# An import of which nobody knows.


def test_what_is_unknown_since_an_earlier_night_comes_with_the_time_and_the_ways_out(
    licstat: Licstat, log: Path
) -> None:
    licstat.sandbox.fault("drop", operation="import", when="after_work")
    first = licstat(log)

    second = licstat(log)

    key, since = only(first)["key"], only(first)["finished_at"]
    settle = f"assetops.imports.settle, import_settle_keys={key}"
    ways_out = [settle, "import_settle_state=succeeded", "import_receipt", "on_unknown=retry"]
    assert_says(first, *ways_out, "licstat_import_on_unknown")
    assert_says(second, *ways_out, "licstat_import_on_unknown", f"unknown since {since}")
    assert_says(licstat(log, check=True), *ways_out, f"unknown since {since}")


def test_what_is_unknown_in_lifecycle_manager_names_its_own_role(lm: Lm) -> None:
    lm.sandbox.fault("drop", operation="import", when="after_work")

    assert_says(lm(lm.archive()), "lm_import_on_unknown", "assetops.imports.settle", "import_receipt")
