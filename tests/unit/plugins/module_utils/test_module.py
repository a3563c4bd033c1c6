# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Ansible ends: what is refused before anything is sent, and what a module returns."""

from __future__ import annotations

import io
import json
import os
import threading
from contextlib import closing, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import trustme
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    BadInput,
    ImportsError,
    Outage,
    OutcomeUnknown,
    Refused,
    StoreError,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import (
    connection_arguments,
    import_arguments,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import (
    client_of,
    import_all,
    receipt_store,
    server_name,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import (
    Invocation,
    invocation_of,
    secrets_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.running import Work, run_module, run_work
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat import ENVIRONMENT, OPTIONS, credentials

from ....running import patch_module_args
from .fakes import DIGEST, BeforeCommit, ScriptedSystem, seen
from .nobody import unprivileged
from .other_run import wanted
from .peers import Peer

TOKEN = "e765ee9c3ded6ca6e5e7f4d0d01189d0"
ANSWER = Answer("POST", "http://host/import", 413, "Too Large", {}, "x" * 5000)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("ASSETOPS_RECEIPTS", "ASSETOPS_PROGRESS", "LICSTAT_URL", "LICSTAT_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def arguments(*, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
    given = {"url": "http://127.0.0.1:9", "api_token": TOKEN, "wait_sleep": 0.01, **options}
    return {**given, "_ansible_check_mode": check, "_ansible_diff": diff}


def module(**options: Any) -> AnsibleModule:
    """A module that imports into License Statistics, as Ansible makes it of these options."""
    with patch_module_args(arguments(**options)):
        return AnsibleModule(
            argument_spec={**connection_arguments(OPTIONS, ENVIRONMENT), **import_arguments(once="ever")},
            supports_check_mode=True,
        )


def host(**options: Any) -> Invocation:
    """The same as its work sees it."""
    return invocation_of(module(**options))


def client_to(made: Invocation) -> Client:
    """The client of a host, with its token."""
    return client_of(made, credentials(made.params["api_token"]))


def ending_of(work: Work, **options: Any) -> str:
    """What Ansible is told at the end of a module's work."""
    output = io.StringIO()
    with patch_module_args(arguments(**options)), redirect_stdout(output), pytest.raises(SystemExit):
        run_module(module(**options), work)
    return output.getvalue()


# Options


def test_defaults_are_those_of_the_documentation() -> None:
    params = host(wait_sleep=10).params
    assert params["receipts"] == "~/.ansible/assetops/receipts.db"
    assert {name: params[name] for name in ("timeout", "response_timeout", "wait_timeout", "wait_sleep")} == {
        "timeout": 60,
        "response_timeout": 1800,
        "wait_timeout": 3600,
        "wait_sleep": 10,
    }
    assert params["progress"] == 60
    assert (params["unreachable_timeout"], params["once"], params["on_unknown"]) == (300, "ever", "fail")
    assert (params["wait"], params["force"], params["require_receipts"]) == (True, False, False)
    assert (params["validate_certs"], params["use_proxy"], params["api_version"]) == (True, True, "v3")


def test_each_system_has_its_own_pace() -> None:
    options = import_arguments(once="latest", wait_timeout=14400, wait_sleep=30, unreachable_timeout=1800)
    assert options["once"]["default"] == "latest"
    defaults = [options[name]["default"] for name in ("wait_timeout", "wait_sleep", "unreachable_timeout")]
    assert defaults == [14400, 30, 1800]


def test_the_environment_stands_in_for_what_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LICSTAT_URL", "https://licstat.example.com")
    monkeypatch.setenv("LICSTAT_API_TOKEN", TOKEN)
    monkeypatch.setenv("ASSETOPS_RECEIPTS", "/somewhere/receipts.db")
    monkeypatch.setenv("ASSETOPS_PROGRESS", "2.5")
    with patch_module_args({}):
        params = AnsibleModule(
            argument_spec={**connection_arguments(OPTIONS, ENVIRONMENT), **import_arguments(once="ever")}
        ).params
    assert (params["url"], params["api_token"]) == ("https://licstat.example.com", TOKEN)
    assert (params["receipts"], params["progress"]) == ("/somewhere/receipts.db", 2.5)


@pytest.mark.parametrize(
    "token", ["", "abc", "with a\nline", "line-end\n", " 1st-space", "tab\there", "účtenka", "nul\0byte", "x\x7f"]
)
def test_a_token_that_cannot_be_one_is_refused_without_repeating_it(token: str) -> None:
    with pytest.raises(BadInput, match=r"^api_token ") as raised:
        client_to(host(api_token=token))
    assert not token.strip() or token.strip() not in raised.value.message


@pytest.mark.parametrize("token", [TOKEN, "abcd", "with space", 'all!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'])
def test_a_token_that_can_be_one_is_sent_as_it_is(token: str) -> None:
    with Peer() as peer:
        client_to(host(url=peer.url, api_token=token, use_proxy=False)).ask("POST", "/status")
    assert peer.requests[0].headers["x-auth-token"] == token


def test_the_path_in_the_url_comes_before_that_of_the_api() -> None:
    with Peer() as peer:
        client_to(host(url=f"{peer.url}/tools/", use_proxy=False)).ask("POST", "/status")
    assert peer.requests[0].line == "POST /tools/status HTTP/1.1"


@pytest.mark.parametrize(
    "url", ["", "licstat.example.com", "ftp://licstat.example.com", "https://u:p@licstat.example.com"]
)
def test_a_url_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match=r"^url "):
        client_to(host(url=url))


def test_a_password_in_the_url_is_hidden_where_ansible_shows_the_options() -> None:
    def work(refused: Invocation) -> dict[str, Any]:
        client_to(refused)
        return {}

    told = ending_of(work, url="https://user:hunter2@licstat.example.com")
    assert json.loads(told)["failed"]
    assert "hunter2" not in told


@pytest.mark.parametrize("option", ["timeout", "response_timeout", "wait_sleep"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "-inf"])
def test_a_time_that_has_to_pass_is_above_nothing_and_ends(option: str, value: str) -> None:
    with pytest.raises(BadInput, match=f"^{option} "):
        client_to(host(**{option: value}))


@pytest.mark.parametrize("option", ["wait_timeout", "unreachable_timeout"])
@pytest.mark.parametrize("value", ["-1", "nan", "inf"])
def test_a_time_that_may_pass_is_no_less_than_nothing_and_ends(option: str, value: str) -> None:
    with pytest.raises(BadInput, match=f"^{option} "):
        client_to(host(**{option: value}))
    client_to(host(**{option: "0"}))


@pytest.mark.parametrize("option", ["timeout", "response_timeout"])
@pytest.mark.parametrize("value", [1e9, 1e10, 1e300])
def test_a_time_longer_than_any_machine_runs_is_refused_or_does(option: str, value: float) -> None:
    with Peer() as gone:
        pass
    with pytest.raises((BadInput, Outage)):
        client_to(host(url=gone.url, use_proxy=False, **{option: value})).ask("POST", "/status", tries=1)


@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key"])
def test_a_file_that_is_not_there_is_refused_before_anything_is_sent(option: str, tmp_path: Path) -> None:
    options = {option: str(tmp_path / "missing.pem")}
    if option == "client_key":
        trustme.CA().issue_cert("client").cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
        options["client_cert"] = str(tmp_path / "cert.pem")
    with pytest.raises(BadInput, match=rf"{option}:? .*missing\.pem.*No such file.* Nothing was sent"):
        client_to(host(**options))


def test_a_file_that_may_not_be_read_is_refused_before_anything_is_sent() -> None:
    made = host(client_cert="")
    with unprivileged() as folder:
        (folder / "cert.pem").touch(mode=0)
        made.params["client_cert"] = str(folder / "cert.pem")
        with pytest.raises(BadInput, match=r"client_cert\W.*cert\.pem.*Nothing was sent"):
            client_to(made)


def test_a_key_without_a_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key.pem").touch()
    with pytest.raises(BadInput, match=r"client_key .* client_cert"):
        client_to(host(client_key=str(tmp_path / "key.pem")))


def test_a_server_is_known_by_its_url_in_one_spelling_or_by_the_name_it_was_given() -> None:
    assert server_name(host(url="HTTPS://LicStat.Example.com:443/").params) == "https://licstat.example.com"
    assert server_name(host(target_name="production").params) == "production"
    with pytest.raises(BadInput, match="target_name is empty"):
        server_name(host(target_name=" ").params)


# The store


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, warning: told.append(warning))
    return told


def test_a_new_store_is_told_in_a_warning(tmp_path: Path, warnings: list[str]) -> None:
    with receipt_store(host()) as store:
        assert store.created
    (warning,) = warnings
    for words in (str(tmp_path / ".ansible/assetops/receipts.db"), os.uname().nodename, str(os.getuid())):
        assert words in warning
    with receipt_store(host(require_receipts=True)) as store:
        assert not store.created
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("receipts", "words"),
    [("none", "receipts is none"), ("~/receipts.db", "no receipt store"), ("/nowhere/receipts.db", "no receipt store")],
)
def test_a_store_that_has_to_be_there_is_not_made(
    receipts: str, words: str, tmp_path: Path, warnings: list[str]
) -> None:
    for check in (False, True):
        with (
            pytest.raises(ImportsError, match=words),
            receipt_store(host(receipts=receipts, require_receipts=True, check=check)),
        ):
            pass
    assert list(tmp_path.iterdir()) == []
    assert warnings == []


@pytest.mark.parametrize(
    "receipts",
    ["", " ", "receipts.db", "./receipts.db", "None", "postgresql://host/db", "~nobody-like-that/r.db"],
)
def test_a_place_that_cannot_be_is_an_error_in_words(receipts: str, warnings: list[str]) -> None:
    for required in (False, True):
        with (
            pytest.raises(ImportsError, match=r"receipts|store"),
            receipt_store(host(receipts=receipts, require_receipts=required)),
        ):
            pass
    assert warnings == []


def test_check_mode_makes_no_store(tmp_path: Path, warnings: list[str]) -> None:
    with receipt_store(host(check=True)) as store:
        assert store.read_only
        assert not store.created
    assert list(tmp_path.iterdir()) == []
    assert warnings == []


@pytest.mark.usefixtures("warnings")
def test_the_store_is_closed_whatever_happens() -> None:
    with pytest.raises(KeyError), receipt_store(host()) as store:
        raise KeyError("a bug")
    with pytest.raises(StoreError):
        store.find(["key"])


# Results


def imported(
    system: ScriptedSystem, names: str = "a", *, check: bool = False, diff: bool = False, **options: Any
) -> dict[str, Any]:
    """What a module returns that imports these into a store in the home folder."""
    made = host(check=check, diff=diff, receipts="~/receipts.db", **options)
    with closing(open_store("~/receipts.db", read_only=check)) as store:
        return import_all(made, store, secrets_of(made), system, [wanted(name) for name in names])


def test_a_success_is_told_with_all_that_is_known(tmp_path: Path) -> None:
    result = imported(ScriptedSystem())
    (one,) = result.pop("imports")
    assert result == {
        "changed": True,
        "state": "succeeded",
        "receipts": {"store": str(tmp_path / "receipts.db"), "created": True},
    }
    times = {name: one.pop(name) for name in ("started_at", "finished_at", "duration")}
    assert one == {
        "source": "a",
        "target": "target",
        "content_sha256": DIGEST,
        "size": 3,
        "label": None,
        "period": None,
        "window": None,
        "key": "key of a",
        "remote_id": "task 1",
        "state": "succeeded",
        "changed": True,
        "reason": "new",
        "attempts": 1,
        "message": "",
        "server": {"state": "succeeded"},
    }
    assert times["started_at"] <= times["finished_at"]
    assert 0 < times["duration"] < 60


def test_a_second_run_is_told_as_unchanged() -> None:
    imported(ScriptedSystem())
    result = imported(ScriptedSystem())
    assert (result["changed"], result["state"], result["receipts"]["created"]) == (False, "succeeded", False)
    assert "msg" not in result


def test_one_failure_is_told_with_its_source_and_the_answer() -> None:
    result = imported(ScriptedSystem({"a": [Refused("Too large.", ANSWER)]}))
    assert result["msg"] == "a: Too large. Nothing was imported."
    assert (result["http_status"], result["response"]) == (413, "x" * 2000)
    assert (result["changed"], result["state"]) == (False, "failed")


def test_several_failures_are_each_told_by_name() -> None:
    system = ScriptedSystem({"a": [Refused("Too large.", ANSWER)], "c": [OutcomeUnknown("Lost.")]})
    result = imported(system, "abcd")
    assert result["msg"].startswith("2 of 4 imports did not end well. [a] Too large.")
    assert "[c] Lost." in result["msg"]
    assert (result["changed"], result["state"], result["http_status"]) == (True, "unknown", 413)
    assert [one["state"] for one in result["imports"]] == ["failed", "succeeded", "unknown", "succeeded"]


def test_failures_for_the_same_reason_are_told_together() -> None:
    system = ScriptedSystem({name: [BeforeCommit(Refused("No room."))] for name in "abc"})
    assert imported(system, "abcd")["msg"].count("No room.") == 1


def test_a_failure_without_an_answer_is_told_without() -> None:
    result = imported(ScriptedSystem({"a": [BeforeCommit(Refused("No."))]}))
    assert not {"http_status", "response"} & result.keys()


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        (["succeeded", "succeeded"], "succeeded"),
        (["succeeded", "running"], "running"),
        (["running", "failed"], "failed"),
        (["failed", "incomplete"], "failed"),
        (["unknown", "failed"], "unknown"),
        (["scheduled", "succeeded"], "scheduled"),
    ],
)
def test_of_several_states_the_worst_is_that_of_the_task(states: list[str], worst: str) -> None:
    system = ScriptedSystem(sights={f"task {number}": [seen(state)] for number, state in enumerate(states, 1)})
    assert imported(system, "ab", wait_timeout=0)["state"] == worst


def test_without_waiting_there_is_no_end_yet() -> None:
    (one,) = imported(ScriptedSystem(), wait=False)["imports"]
    assert (one["state"], one["finished_at"], one["duration"]) == ("submitted", None, None)
    assert one["started_at"] is not None


def test_check_mode_tells_what_is_planned() -> None:
    result = imported(ScriptedSystem(), check=True)
    (one,) = result["imports"]
    assert (result["changed"], result["state"], one["state"], one["changed"]) == (True, "planned", "planned", True)
    assert (one["started_at"], one["finished_at"], one["remote_id"], one["attempts"]) == (None, None, None, 0)


def test_a_difference_is_told_line_by_line() -> None:
    imported(ScriptedSystem(), "a")
    result = imported(ScriptedSystem({"c": [Refused("No.")]}), "abc", diff=True)
    assert result["diff"] == [
        {
            "before_header": "target",
            "after_header": "target",
            "before": "a: succeeded\nb: not imported\nc: not imported\n",
            "after": "a: succeeded\nb: succeeded\nc: failed\n",
        }
    ]
    assert "diff" not in imported(ScriptedSystem(), "a")


# The end of a module


def test_what_the_work_returns_is_what_ansible_is_told() -> None:
    told = json.loads(ending_of(lambda _host: {"changed": True, "state": "succeeded"}))
    assert (told["changed"], told["state"], told.get("failed")) == (True, "succeeded", None)


def test_a_result_with_a_message_is_a_failure_with_all_its_parts() -> None:
    told = json.loads(ending_of(lambda _host: {"changed": True, "state": "failed", "msg": "a: No."}))
    assert (told["failed"], told["changed"], told["state"], told["msg"]) == (True, True, "failed", "a: No.")


def test_an_error_is_a_failure_in_its_words() -> None:
    def work(_host: Invocation) -> dict[str, Any]:
        raise Refused("Too large.", ANSWER)

    told = json.loads(ending_of(work))
    assert (told["failed"], told["msg"], told["http_status"]) == (True, "Too large.", 413)
    assert told["response"] == "x" * 2000
    assert "exception" not in told


def test_a_defect_of_ours_is_called_one_and_keeps_the_secrets() -> None:
    def work(_host: Invocation) -> dict[str, Any]:
        raise KeyError(f"the request had {TOKEN} in it")

    told = ending_of(work)
    assert TOKEN not in told
    assert json.loads(told)["failed"]
    assert "KeyError: this is a defect" in json.loads(told)["msg"]


def test_lines_that_cannot_be_shown_are_told_in_a_warning_and_harm_nothing() -> None:
    warnings: list[str] = []
    tried = threading.Event()

    def show(_line: str) -> None:
        tried.set()
        raise BrokenPipeError(32, "Broken pipe")

    def work(_host: Invocation) -> dict[str, Any]:
        assert tried.wait(20)
        return {"state": "succeeded"}

    made = host(progress=0.001)
    made.show, made.warn = show, warnings.append
    assert run_work(made, work) == {"state": "succeeded"}
    assert warnings == ["How it goes on could not be shown: BrokenPipeError: [Errno 32] Broken pipe"]


def test_an_error_without_an_answer_is_a_failure_without() -> None:
    def work(_host: Invocation) -> dict[str, Any]:
        raise BadInput("No.")

    told = json.loads(ending_of(work))
    assert told["msg"] == "No."
    assert "http_status" not in told
