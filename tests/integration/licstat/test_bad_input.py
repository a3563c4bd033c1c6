# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input of every option: a plain word about it, before anything is sent, made or written.

All that is no address, token, certificate, time or store is refused by parts with unit tests of their own, which have
many more cases; here are one or a few of each kind for each option.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from ..bad_input import Bad, assert_told_before_anything_happens, bad, everything_below, options_without
from ..support import ABSENT, Licstat, Logs, assert_plain_failure, log_text


def bad_search(option: str, value: Any, *words: str, **others: Any) -> Any:
    """A bad value where logs are looked for."""
    return bad(option, value, *words, **{"src": ABSENT, "paths": ["{place}"], option: value, **others})


# Bad values of the options that both modules have.

CONNECTION = [
    bad("url", ABSENT, "url", "required"),
    bad("url", "", "url"),
    bad("url", "licstat.example.com", "url", "https://"),
    bad("url", "http://licstat.example.com:99999", "url"),
    bad("url", "http://licstat.example.com/?tenant=1", "url", "query"),
    bad("url", "http://licstat.example.com/#top", "url", "fragment"),
    bad("url", "http://lic stat.example.com", "url", "space"),
    bad("url", "http://licstat.example.com\r\nX-Evil: 1", "url"),
    bad("url", "http://licstat.example.com/\0"),
    bad("url", ["http://licstat.example.com"], "url"),
    bad("url", "http://jdoe:hunter22@licstat.example.com", "url", "user name or a password"),
    bad("url", "http://:hunter22@licstat.example.com", "url", "user name or a password"),
    bad("api_token", ABSENT, "api_token", "required"),
    bad("api_token", "", "api_token"),
    bad("api_token", "abc", "api_token", "shorter"),
    bad("api_token", "0123456789\r\nX-Evil: 1", "api_token", "line break"),
    bad("api_token", "0123456789abcdef ", "api_token", "space"),
    bad("api_token", "0123456789\0abcdef", "api_token"),
    bad("api_token", "0123456789\u201cabcdef\u201d", "api_token"),
    bad("ca_path", "{place}/missing.pem", "ca_path", "missing.pem"),
    bad("ca_path", "{place}/text", "ca_path", "text", url="https://127.0.0.1:9"),
    bad("ca_path", "", "ca_path"),
    bad("client_cert", "{place}/missing.pem", "client_cert", "missing.pem"),
    bad("client_cert", "{place}/mine.pem", "client_cert", "mine.pem", url="https://127.0.0.1:9"),  # without its key
    bad("client_cert", "", "client_cert"),
    bad("client_key", "{place}/mine.key", "client_key", "client_cert"),
    bad("client_key", "{place}/other.key", "client_key", client_cert="{place}/mine.pem", url="https://127.0.0.1:9"),
    bad("client_key", "", "client_key", client_cert="{place}/mine.pem"),
    bad("validate_certs", "perhaps", "validate_certs"),
    bad("use_proxy", "perhaps", "use_proxy"),
    bad("api_version", "v1", "api_version"),
    *[bad("timeout", value, "timeout") for value in (0, "inf", 1e300, "soon")],
]

# Of licstat_import.

PAST, LATER, WINDOW = "2022-01-10 00:00", "2022-01-11 00:00", {"identity": "window"}
FUTURE = f"{datetime.now() + timedelta(hours=2):%Y-%m-%d %H:%M:%S}"

IMPORT = [
    bad("license_server_id", ABSENT, "license_server_id", "required"),
    *[bad("license_server_id", value, "license_server_id") for value in (0, "", "cad", 4.5, "40/..")],
    bad("src", ABSENT, "src", "required"),
    bad("src", [], "src", "empty"),
    bad("src", [""], "src"),
    bad("src", ["{place}/missing.log"], "missing.log", "No such file"),
    bad("src", ["{place}/folder"], "folder", "not a regular file"),
    bad("src", ["{place}/pipe"], "pipe", "not a regular file"),
    bad("src", ["/dev/zero"], "/dev/zero", "not a regular file"),
    bad("src", ["{place}/empty"], "empty"),
    bad("src", ["{place}/a\0b"]),
    bad("src", ["{place}/" + "x" * 300], "File name too long"),
    bad("src", ["{place}/missing.log", "{place}/good.log", "{place}/folder"], "missing.log", "folder"),
    bad("src", ["{place}/good.log"], "mutually exclusive", paths=["{place}"]),
    bad_search("paths", [], "paths is an empty list"),
    bad_search("paths", [" "], "paths holds an empty text"),
    bad_search("paths", ["{place}/missing"], "{place}/missing", "No such file"),
    bad_search("paths", ["{place}/text"], "{place}/text", "no folder"),
    bad_search("paths", ["{place}/folder", "{place}/text/logs"], "{place}/text/logs", "Not a directory"),
    bad_search("paths", ["{place}/a\0b"], "embedded null"),
    bad_search("patterns", [], "patterns is an empty list"),
    bad_search("patterns", [""], "patterns holds an empty text"),
    bad_search("patterns", ["logs/*"], "patterns are matched with names"),
    bad_search("patterns", ["dangl*"], "{place}/dangling", "a link to"),
    bad_search("excludes", [""], "excludes holds an empty text"),
    bad_search("excludes", ["old/*"], "excludes are matched with names"),
    bad_search("recurse", "maybe", "recurse"),
    *[bad_search(name, value, name) for name in ("min_age", "max_age") for value in (-1, "1d")],
    *[
        bad(option, value, f"{option} says which logs are found in paths")
        for option, value in (
            *(("patterns", ["*"]), ("excludes", []), ("recurse", True)),
            *(("min_age", 60), ("max_age", 60)),
        )
    ],
    bad_search("require_logs", "maybe", "require_logs"),
    bad("afterwards", "burn", "afterwards", "burn"),
    bad("afterwards", "archive", "archive"),
    *[bad("archive", value, "archive is empty", afterwards="archive") for value in ("", " ")],
    bad("archive", "{place}/text", "no folder", afterwards="archive"),
    bad_search("archive", "{place}", "that is the archive", afterwards="archive"),
    bad_search("archive", "{place}/folder/..", "that is the archive", afterwards="archive", recurse=True),
    bad("window", "today", "window", "today"),
    *[bad("window", "yesterday", "together", **{option: PAST}) for option in ("from", "to")],
    bad("window", "since_last", "force", force=True),
    bad("window", "since_last", "once=latest", once="latest"),
    bad("window", "since_last", "receipts is none", receipts="none"),
    bad("window", "since_last", "yet to come", to=FUTURE),
    bad("window", "since_last", "exactly one log", src=["{place}/good.log", "{place}/text"]),
    bad("identity", "since_last", "later than", to=PAST, **{"from": LATER}),
    *[bad("timezone", zone, "timezone", "IANA") for zone in ("Mars/Olympus", "", "../etc/zone", "Europe")],
    bad("on_gap", "ignore", "on_gap", "ignore"),
    bad("label", "", "label is empty"),
    bad("adopt", "maybe", "adopt"),
    bad("adopt", True, "adopt sends nothing", force=True),
    bad("adopt", True, "adopt needs receipts", receipts="none"),
    bad_search("window", "yesterday", "exactly one log, and here are 2", patterns=["good.log", "text"]),
    bad("gather", [], "gather", "empty"),
    bad("gather", ["sessions"], "gather", "sessions"),
    bad("gather", "", "gather"),
    bad("merge_policy", "keep", "merge_policy", "keep"),
    *[
        bad(option, value, option, *words)
        for option in ("from", "to")
        for value, *words in (("yesterday",), ("",), ("2022-02-30 00:00", "does not exist"), (f"{PAST}Z", "zone"))
    ],
    bad("to", "2022-01-10", "to", "2022-01-10 23:59:59"),
    bad("from", LATER, "later than to", to=PAST),
    bad("identity", "both", "identity", "both"),
    bad("identity", "window", "from", "to"),
    bad("identity", "window", "from", "to", **{"from": PAST}),
    bad("identity", "window", "from", "to", to=LATER),
    bad("identity", "window", "yet to come", to=FUTURE, **{"from": PAST}),
    bad("identity", "window", "exactly one log", src=["{place}/good.log", "{place}/text"], to=LATER, **{"from": PAST}),
    bad("resolve_domain_names_to_ip", "maybe", "resolve_domain_names_to_ip"),
    bad("find_domain_names_by_ip", "maybe", "find_domain_names_by_ip"),
    bad("wait", "maybe", "wait"),
    *[
        bad(name, value, name)
        for name, value in (
            *(("response_timeout", 0), ("wait_timeout", -1), ("wait_sleep", 0), ("unreachable_timeout", "nan")),
            *(("progress", -1), ("progress", "inf"), ("wait_timeout", "soon")),
        )
    ],
    bad("force", "maybe", "force"),
    bad("once", "never", "once", "never"),
    bad("on_unknown", "ignore", "on_unknown", "ignore"),
    bad("target_name", "  ", "target_name"),
    bad("require_receipts", "maybe", "require_receipts"),
    bad("require_receipts", True, "require_receipts", "{place}/none-yet.db", receipts="{place}/none-yet.db"),
    bad("require_receipts", True, "require_receipts", "none", receipts="none"),
    bad("receipts", "", "receipts"),
    bad("receipts", "receipts.db", "receipts.db", "absolute"),
    bad("receipts", "postgresql://127.0.0.1:9/assets", "postgresql://127.0.0.1:9/assets", "could not be opened"),
    bad("receipts", "postgresql://me:s3cret@127.0.0.1:9/assets", "receipts_password"),
    bad("receipts", "postgresql://127.0.0.1:9/assets?password=s3cret", "receipts_password"),
    bad("receipts", "mysql://127.0.0.1/assets", "mysql", "absolute"),
    bad("receipts_password", "abc", "receipts_password", receipts="postgresql://127.0.0.1:9/assets"),
    bad("receipts_password", "s3cret", "receipts_password", "not the URL"),
    bad("receipts", "{place}/folder", "receipt", "{place}/folder"),
    bad("receipts", "{place}/text/receipts.db", "receipt", "{place}/text/receipts.db"),
    bad("receipts", "{place}/foreign.db", "{place}/foreign.db", "no receipt store"),
    bad("receipts", "{place}/broken.db", "{place}/broken.db"),
    bad("receipts", "{place}/newer.db", "{place}/newer.db", "newer"),
    bad("receipts", "{place}/dangling/receipts.db", "{place}/dangling/receipts.db"),
    bad("receipts", "{place}/a\0b"),
    bad("receipts", "{place}/" + "x" * 300, "receipt"),
    bad("receipts", "/dev/null", "/dev/null"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Files that are no logs, no stores and no certificates, or not the right ones, by name."""
    authority = trustme.CA()
    mine, other = authority.issue_cert("a@example.com"), authority.issue_cert("b@example.com")
    folder = tmp_path_factory.mktemp("databases")
    foreign = database(folder / "foreign.db", "CREATE TABLE plants (name TEXT)")
    newer = database(
        folder / "newer.db",
        "CREATE TABLE receipts (key TEXT)",
        f"PRAGMA application_id = {0x61736F70}",
        "PRAGMA user_version = 99",
    )
    return {
        "empty": b"",
        "text": b"Only some words.\n" * 1000,
        "good.log": log_text(0).encode(),
        "foreign.db": foreign,
        "newer.db": newer,
        "broken.db": foreign[:100] + b"\xff" * (len(foreign) - 100),
        "mine.pem": mine.cert_chain_pems[0].bytes(),
        "mine.key": mine.private_key_pem.bytes(),
        "other.key": other.private_key_pem.bytes(),
    }


def database(path: Path, *statements: str) -> bytes:
    """An SQLite file made by these statements."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path.read_bytes()


@pytest.fixture
def place(tmp_path: Path, files: dict[str, bytes]) -> Path:
    """A folder with those files, and with what is no file."""
    folder = tmp_path / "place"
    (folder / "folder").mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "dangling").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe")
    return folder


def assert_nothing_happened(licstat: Licstat, before: dict[str, tuple[int, int, int]]) -> None:
    assert licstat.sandbox.requests() == []
    assert everything_below(licstat.folder) == before


@pytest.mark.parametrize("case", [*CONNECTION, *IMPORT])
def test_bad_input_of_an_import_is_reported_before_anything_happens(
    licstat: Licstat, place: Path, case: Bad, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    good = {"src": ["{place}/good.log"]}
    for check in (False, True):
        assert_told_before_anything_happens(case, licstat, licstat.sandbox, licstat.folder, check=check, **good)


@pytest.mark.parametrize(
    "case",
    [
        *CONNECTION,
        bad("task_id", ABSENT, "task_id", "required"),
        *[bad("task_id", value, "task_id") for value in ("", "..", "import_1\n")],
    ],
)
@pytest.mark.usefixtures("place")
def test_bad_input_of_a_question_is_reported_before_anything_happens(licstat: Licstat, case: Bad) -> None:
    assert_told_before_anything_happens(case, licstat.task_info, licstat.sandbox, licstat.folder, task_id="import_1")


def test_options_that_there_are_not_are_reported(licstat: Licstat, log: Path) -> None:
    for result in (licstat(log, mergePolicy="Merge"), licstat.task_info(task_id="import_1", src=["x"])):
        assert_plain_failure(result)
        assert "Unsupported parameters" in result["msg"]
    assert licstat.sandbox.requests() == []


@pytest.mark.parametrize("module", ["licstat_import", "licstat_task_info"])
def test_every_option_has_bad_input_in_this_file(module: str) -> None:
    assert options_without(module, *CONNECTION, *(IMPORT if module == "licstat_import" else ())) <= {"task_id"}


# What only shows where permissions apply.


@pytest.mark.parametrize("option", ["src", "client_cert"])
def test_a_file_that_may_not_be_read_is_reported_before_anything_happens(
    licstat: Licstat, place: Path, option: str
) -> None:
    secret = place / "unreadable"
    secret.write_bytes((place / "mine.pem").read_bytes())
    secret.chmod(0)
    options: dict[str, Any] = {"src": [str(place / "good.log")]}
    options[option] = [str(secret)] if option == "src" else str(secret)
    before = everything_below(licstat.folder)

    result = licstat.unprivileged(**options)

    assert_plain_failure(result)
    assert str(secret) in result["msg"]
    assert_nothing_happened(licstat, before)


@pytest.mark.parametrize("check", [False, True], ids=["for real", "in check mode"])
def test_a_store_that_may_not_be_read_is_reported_before_anything_happens(
    licstat: Licstat, log: Path, check: bool
) -> None:
    licstat(log, src=[str(log)])
    sent = len(licstat.sandbox.requests())
    licstat.store.chmod(0)
    before = everything_below(licstat.folder)

    result = licstat.unprivileged(log, force=True, check=check)

    assert_plain_failure(result)
    assert str(licstat.store) in result["msg"]
    assert len(licstat.sandbox.requests()) == sent
    assert everything_below(licstat.folder) == before


def test_a_store_in_a_folder_that_may_not_be_written_is_reported_before_anything_is_sent(
    licstat: Licstat, log: Path, make_log: Logs
) -> None:
    licstat(log)
    licstat.store.parent.chmod(0o500)
    before = everything_below(licstat.store.parent)
    try:
        result = licstat.unprivileged(make_log())
    finally:
        licstat.store.parent.chmod(0o700)

    assert_plain_failure(result)
    assert not result.get("changed")
    assert str(licstat.store) in result["msg"]
    assert len(licstat.uploads) == 1
    assert everything_below(licstat.store.parent) == before
