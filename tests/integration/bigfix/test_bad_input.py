# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input of the options of `bigfix_import`: a plain word about it, before anything is sent, made or written."""

from __future__ import annotations

import json

import pytest

from ..bad_input import Bad, assert_told_before_anything_happens, bad, options_without
from ..support import ABSENT
from .driver import DataImports

LMT = {"product": "license_metric_tool"}
WITH_PASSWORD = {"token": ABSENT, "username": "ines.import", "password": "Quiet-Harbour-71"}

CONNECTION = [
    bad("url", ABSENT, "url is missing", "BIGFIX_URL"),
    bad("url", "bigfix.example.com:9081", "url"),
    bad("url", "https://jdoe:hunter22@bigfix.example.com", "url", "user name or a password"),
    bad("url", "https://bigfix.example.com/?token=abcdef", "url", "query"),
    bad("token", ABSENT, "token", "username and password"),
    bad("token", "", "token", "empty", "BIGFIX_TOKEN"),
    bad("token", "abc", "token", "shorter"),
    bad("token", "0123456789abcdef\n", "token", "line break"),
    bad("token", ABSENT, "username and password", username="ines.import"),
    bad("token", ABSENT, "username and password", password="Quiet-Harbour-71"),
    bad("username", "", "username", **{**WITH_PASSWORD, "username": ""}),
    bad("password", "abc", "password", "shorter", **{**WITH_PASSWORD, "password": "abc"}),
    bad("password", "hunter22\n", "password", "line break", **{**WITH_PASSWORD, "password": "hunter22\n"}),
    bad("product", "bigfix", "product", "license_metric_tool"),
    bad("product", "", "product"),
    bad("token_transport", "cookie", "token_transport", "header"),
    bad("validate_certs", "perhaps", "validate_certs"),
    bad("ca_path", "/nowhere/ca.pem", "/nowhere/ca.pem"),
    bad("client_cert", "/nowhere/client.pem", "/nowhere/client.pem"),
    bad("client_key", "/nowhere/client.key", "client_key", "client_cert"),
    bad("timeout", 0, "timeout"),
    bad("timeout", "nan", "timeout"),
    bad("use_proxy", "perhaps", "use_proxy"),
]
IMPORTING = [
    bad("import_type", "raw", "import_type", "raw_only"),
    bad("import_type", "raw_only", "License Metric Tool", "raw_only", **LMT),
    bad("max_age", -1, "max_age"),
    bad("max_age", "nan", "max_age"),
    bad("raw_first", "perhaps", "raw_first"),
    bad("raw_first", True, "raw_first", "wait=true", wait=False),
    bad("raw_first", True, "raw_first", "import_type=complete", import_type="raw_only"),
    bad("raw_first", True, "raw_first", "License Metric Tool", **LMT),
    bad("raw_max_age", -1, "raw_max_age"),
    bad("newer_than", "yesterday", "newer_than", "yesterday"),
    bad("newer_than", "", "newer_than"),
    bad("newer_than", "2026-11-22T03:00:00", "newer_than", "offset"),
    bad("newer_than", "2026-02-30T03:00:00Z", "newer_than", "does not exist"),
    bad("newer_than", "2026-11-22T03:00:00+99:00", "newer_than", "does not exist"),
    bad("newer_than", "\u0662\u0660\u0662\u0666-11-22T03:00:00Z", "newer_than"),
    bad("newer_than", 1763780400, "newer_than"),
    bad("if_running", "wait", "if_running", "queue"),
    bad("wait", "perhaps", "wait"),
    bad("wait_timeout", -1, "wait_timeout"),
    bad("wait_sleep", 0, "wait_sleep"),
    bad("unreachable_timeout", -1, "unreachable_timeout"),
    bad("progress", -1, "progress"),
    bad("response_timeout", 0, "response_timeout"),
    bad("receipts", "relative.db", "receipts"),
    bad("receipts", "", "receipts"),
    bad("receipts_password", "abc", "receipts_password", receipts="postgresql://127.0.0.1:9/assets"),
    bad("receipts_password", "s3cret", "receipts_password", "not the URL"),
    bad("require_receipts", True, "require_receipts"),
    bad("require_receipts", True, "require_receipts", "none", receipts="none"),
    bad("force", "perhaps", "force"),
    bad("once", "never", "once"),
    bad("on_unknown", "guess", "on_unknown"),
    bad("target_name", " ", "target_name"),
    bad("label", " ", "label is empty"),
    bad("unheard_of", 1, "unheard_of"),
]


@pytest.mark.parametrize("wrong", [*CONNECTION, *IMPORTING])
def test_bad_input_is_reported_before_anything_is_sent_made_or_written(bigfix: DataImports, wrong: Bad) -> None:
    for check in (False, True):
        assert_told_before_anything_happens(wrong, bigfix, bigfix.sandbox, bigfix.folder, check=check)


@pytest.mark.parametrize("wrong", CONNECTION)
def test_bad_input_of_the_module_that_only_reads_is_reported_as_well(bigfix: DataImports, wrong: Bad) -> None:
    assert_told_before_anything_happens(wrong, bigfix.info, bigfix.sandbox, bigfix.folder)


@pytest.mark.parametrize("token", ["0123456789abcdef\n", " 0123456789abcdef", "schl\u00fcssel-der-keiner-ist"])
def test_a_token_that_is_none_is_not_repeated(bigfix: DataImports, token: str) -> None:
    output = bigfix.output(token=token)

    assert json.loads(output)["failed"]
    assert token.strip() not in json.dumps(json.loads(output), ensure_ascii=False)


def test_there_is_bad_input_of_every_option() -> None:
    assert options_without("bigfix_import", *CONNECTION, *IMPORTING) == set()
