# SPDX-License-Identifier: GPL-3.0-or-later
"""A name of a file means the file that Ansible takes it for: of these UTF-8 bytes, whatever locale and shell say."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from ...running import start_module
from ..crashing import Crasher
from ..haplo.driver import Haplo, assert_one_whole_batch, assert_scheduled
from ..lm.driver import Lm
from ..support import ABSENT, Licstat, Logs, argument_spec, assert_ended_well, assert_plain_failure, only

NAMES = ["Lizenzen-f\u00fcr-K\u00f6ln.log", "\u65e5\u672c\u8a9e.log", "\u20ac 5.log", "emoji-\U0001f600.log"]
LOCALES = {"de_DE.ISO-8859-1": ("de_DE", "ISO-8859-1"), "ja_JP.EUC-JP": ("ja_JP", "EUC-JP")}


Abroad = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module", params=LOCALES)
def abroad(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Abroad]:
    """Runs modules as on a host whose locale does not have UTF-8."""
    if shutil.which("localedef") is None or not Path("/usr/share/i18n/locales").is_dir():
        pytest.skip("localedef or its sources (package locales) are not installed")
    folder = tmp_path_factory.mktemp("locales")
    source, charmap = LOCALES[request.param]
    subprocess.run(["localedef", "-i", source, "-f", charmap, folder / request.param], check=True, capture_output=True)

    def run(module: str, options: dict[str, Any]) -> dict[str, Any]:
        result = crasher.run(module, options).result
        assert result is not None
        return result

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LOCPATH", str(folder))
        environment.setenv("LC_ALL", request.param)
        crasher = Crasher()
    with crasher:
        assert f"LC_ALL={request.param}" in Path(f"/proc/{crasher._process.pid}/environ").read_text()
        yield run


def test_a_log_is_found_and_sent_by_its_name_in_utf8(licstat: Licstat, make_log: Logs, abroad: Abroad) -> None:
    logs = [make_log(f"\u00dcbersicht/{name}") for name in NAMES]

    result = abroad("licstat_import", licstat.options(*logs))

    assert (result["state"], result["changed"]) == ("succeeded", True), result.get("msg")
    assert [one["source"] for one in result["imports"]] == [str(log) for log in logs]
    assert [task.file_name for task in licstat.sandbox.licstat().tasks] == NAMES
    assert licstat(*logs)["changed"] is False


def test_a_log_that_is_missing_is_called_by_its_name(licstat: Licstat, make_log: Logs, abroad: Abroad) -> None:
    log = make_log(NAMES[0])

    result = abroad("licstat_import", licstat.options(log.with_name("Lizenzen-f\u00fcr-K\u00f6ln")))

    assert_plain_failure(result)
    assert f"{log.parent}/Lizenzen-f\u00fcr-K\u00f6ln: " in result["msg"]  # the rest in the language of the host
    assert NAMES[0] in result["msg"]


def test_all_files_of_a_batch_are_found(haplo: Haplo, abroad: Abroad) -> None:
    control = haplo.control.rename(haplo.folder / "Pers\u00f6nlich.json")
    data = Path(haplo.files[0]["src"]).rename(haplo.folder / NAMES[0])
    files = [{"name": "people", "src": str(data)}, haplo.files[1]]
    options = haplo.options(control=str(control), files=files)

    assert_scheduled(abroad("haplo_batch", options), changed=True, reason="new")
    assert_one_whole_batch(haplo)


def test_a_directory_with_a_folder_of_a_batch_is_found(haplo: Haplo, abroad: Abroad) -> None:
    folder = haplo.folder / "\u00dcbersicht" / "K\u00f6ln \u20ac"
    folder.mkdir(parents=True)
    control = haplo.control_file("control.json", files={"D\u00e4nen": {"read": "json"}}).rename(folder / "control.json")
    Path(haplo.files[0]["src"]).rename(folder / "D\u00e4nen.json")
    options = haplo.options(control=ABSENT, files=ABSENT, directory=str(folder.parent))

    result = abroad("haplo_batch", options)

    assert_scheduled(result, changed=True, reason="new")
    assert only(result)["source"] == str(control)
    assert_one_whole_batch(haplo, ("D\u00e4nen",))
    assert_scheduled(haplo(control=ABSENT, files=ABSENT, directory=str(folder.parent)), changed=False, reason="receipt")


def test_an_archive_and_a_store_are_found(lm: Lm, abroad: Abroad) -> None:
    archive = lm.archive("\u00dcbersicht.zip")
    store = lm.folder / "B\u00fccher \u20ac" / "receipts.db"

    result = abroad("lm_import", lm.options(archive, receipts=str(store)))

    assert_ended_well(result, changed=True, reason="new")
    assert result["receipts"]["store"] == str(store)
    assert store.is_file()


def test_files_for_tls_are_found(tls_licstat: Licstat, log: Path, tmp_path: Path, abroad: Abroad) -> None:
    folder = tmp_path / "Schl\u00fcssel \u20ac"
    folder.mkdir()
    mine = trustme.CA().issue_cert("a@example.com")
    mine.cert_chain_pems[0].write_to_path(str(folder / "m\u00e4in.pem"))
    mine.private_key_pem.write_to_path(str(folder / "m\u00e4in.key"))
    assert tls_licstat.sandbox.ca_path is not None
    shutil.copy(tls_licstat.sandbox.ca_path, folder / "\u00e4.pem")
    tls = {"client_cert": str(folder / "m\u00e4in.pem"), "client_key": str(folder / "m\u00e4in.key")}

    for ca_path, policy, more in ((folder / "\u00e4.pem", "reject", {}), (folder, "replace", tls)):
        options = tls_licstat.options(log, ca_path=str(ca_path), merge_policy=policy, **more)
        result = abroad("licstat_import", options)
        assert result["state"] == "succeeded", result["msg"]


# Variables and the home.


def test_a_name_that_looks_like_a_variable_is_that_name(licstat: Licstat, make_log: Logs) -> None:
    names = ["$HOME.log", "${HOME}.log", "a$HOME", "$NOT_SET.log", "~debug.log", "$$", "100%.log"]
    logs = [make_log(name) for name in names]

    result = licstat(*logs)

    assert (result["state"], result["changed"]) == ("succeeded", True), result.get("msg")
    assert [one["source"] for one in result["imports"]] == [str(log) for log in logs]
    assert [task.file_name for task in licstat.sandbox.licstat().tasks] == names


def test_a_name_that_begins_with_a_tilde_in_a_list_is_that_name(
    licstat: Licstat, make_log: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = [make_log("first.log"), make_log("~"), make_log("~root"), make_log("last.log")]
    monkeypatch.chdir(logs[0].parent)

    result = licstat(src=[log.name for log in logs])

    assert [one["state"] for one in result["imports"]] == ["succeeded"] * 4
    assert [one["source"] for one in result["imports"]] == [log.name for log in logs]


def test_variables_and_the_home_are_expanded_where_there_is_no_such_name(
    licstat: Licstat, make_log: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path.home() / "logs"
    home.mkdir()
    for log in (make_log("a.log"), make_log("b.log"), make_log("c.log")):
        log.rename(home / log.name)
    monkeypatch.setenv("LOGS", str(home))

    result = licstat(src=["~/logs/a.log", "$LOGS/b.log", "${HOME}/logs/c.log"])

    assert [one["source"] for one in result["imports"]] == [str(home / name) for name in ("a.log", "b.log", "c.log")]
    assert licstat.held.imports == 3


def test_names_in_a_batch_and_of_an_archive_may_look_like_variables(haplo: Haplo, lm: Lm) -> None:
    control = haplo.control.rename(haplo.folder / "$HOME.json")
    data = Path(haplo.files[0]["src"]).rename(haplo.folder / "${HOME}.json")

    result = haplo(control=str(control), files=[{"name": "people", "src": str(data)}, haplo.files[1]])

    assert_scheduled(result, changed=True, reason="new")
    assert only(result)["source"] == str(control)
    assert only(lm(lm.archive("$HOME.zip")))["source"].endswith("/$HOME.zip")


def test_what_is_imported_is_never_expanded_before_it_is_looked_for() -> None:
    """The type `path` would be."""
    options: dict[str, Any] = {
        "src": argument_spec("licstat_import")["src"]["elements"],
        "paths": argument_spec("licstat_import")["paths"]["elements"],
        "control": argument_spec("haplo_batch")["control"]["type"],
        "files": argument_spec("haplo_batch")["files"]["options"]["src"]["type"],
        "archive": argument_spec("lm_import")["src"]["type"],
    }

    assert set(options.values()) == {"str"}


def test_a_name_that_is_no_utf8_is_that_name(licstat: Licstat, make_log: Logs) -> None:
    log = make_log()
    odd = Path(os.fsdecode(os.fsencode(log.parent) + b"/debug-\xff.log"))
    log.rename(odd)

    # In a process of its own, as what runs on a controller is told to refuse such options before they are looked at.
    result = start_module("licstat_import", **licstat.options(odd)).finish()
    assert_ended_well(result, changed=True, reason="new")
