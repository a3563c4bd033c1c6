# SPDX-License-Identifier: GPL-3.0-or-later
"""Options: their defaults, and what is refused before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trustme
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Outage
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import (
    connection_arguments,
    import_arguments,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import server_name
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.connection import ENVIRONMENT, OPTIONS

from .....running import patch_module_args
from .._http.talks import nobody
from ..nobody import unprivileged
from ..peers import Peer
from .modules import TOKEN, client_to, ending_of, host


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
    "token",
    [
        "",
        "    ",
        "abc",
        "with a\nline",
        "line-end\n",
        " 1st-space",
        "space-end ",
        "\u201cquoted\u201d",
        "tab\there",
        "účtenka",
        "nul\0byte",
        "x\x7f",
    ],
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


@pytest.mark.parametrize("option", ["wait_timeout", "unreachable_timeout", "progress"])
@pytest.mark.parametrize("value", ["-1", "nan", "inf"])
def test_a_time_that_may_pass_is_no_less_than_nothing_and_ends(option: str, value: str) -> None:
    with pytest.raises(BadInput, match=f"^{option} "):
        client_to(host(**{option: value}))
    client_to(host(**{option: "0"}))


@pytest.mark.parametrize("option", ["timeout", "response_timeout"])
@pytest.mark.parametrize("value", [1e9, 1e10, 1e300])
def test_a_time_longer_than_any_machine_runs_is_refused_or_does(option: str, value: float) -> None:
    with pytest.raises((BadInput, Outage)):
        client_to(host(url=nobody(), use_proxy=False, **{option: value})).ask("POST", "/status", tries=1)


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
