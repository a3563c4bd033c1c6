# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are taken out of texts in each of their forms."""

from __future__ import annotations

import base64
import html
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets

SECRET = 'k"1/+ %=&\\z'


def all_forms(secret: str) -> dict[str, str]:
    """How a secret may come back in a text."""
    return {
        "raw": secret,
        "percent-encoded": quote(secret, safe=""),
        "percent-encoded in lower case": quote(secret, safe="").replace("%2F", "%2f").replace("%3D", "%3d"),
        "percent-encoded but for slashes": quote(secret),
        "percent-encoded twice": quote(quote(secret, safe=""), safe=""),
        "percent-encoded three times": quote(quote(quote(secret, safe=""), safe=""), safe=""),
        "as in a form": quote_plus(secret),
        "as JSON": json.dumps(secret)[1:-1],
        "as JSON with escaped slashes": json.dumps(secret)[1:-1].replace("/", "\\/"),
        "as JSON made safe for HTML": json.dumps(secret)[1:-1].replace("&", "\\u0026").replace("=", "\\u003d"),
        "as JSON in JSON": json.dumps(json.dumps(secret))[3:-3],
        "as HTML": html.escape(secret),
    }


@pytest.mark.parametrize("form", all_forms(SECRET))
def test_a_secret_is_taken_out_of_a_text_in_each_of_its_forms(form: str) -> None:
    secrets = Secrets()
    secrets.add(SECRET)
    assert secrets.redact(f"before {all_forms(SECRET)[form]} after") == "before ******** after"


def test_basic_credentials_are_a_secret_too() -> None:
    secrets = Secrets()
    secrets.add("password", username="user")
    basic = base64.b64encode(b"user:password").decode()
    assert secrets.redact(f"Authorization: Basic {basic} of user") == "Authorization: Basic ******** of user"


def test_a_secret_in_base64_is_taken_out_but_for_its_last_group_which_the_text_after_it_blurs() -> None:
    secrets = Secrets()
    secrets.add(SECRET)
    for after in ("", ":", "::"):
        kept = secrets.redact(base64.b64encode(f"{SECRET}{after}".encode()).decode())
        assert kept.startswith("********")
        assert len(kept) <= len("********") + 8


def test_a_secret_that_holds_another_is_taken_out_whole() -> None:
    secrets = Secrets()
    secrets.add("token")
    secrets.add("token-of-admin")
    assert secrets.redact("token-of-admin, token") == "********, ********"


def test_a_text_without_a_secret_stays_as_it_is() -> None:
    assert Secrets().redact("no secret is known") == "no secret is known"
    secrets = Secrets()
    secrets.add("a.c+")
    assert secrets.redact("abc abcc") == "abc abcc"


@pytest.mark.parametrize("noise", ["\\", "%", "&", "+", SECRET[:-1], "k", "\\u006b", " "])
def test_taking_secrets_out_of_a_large_answer_takes_no_time(noise: str) -> None:
    secrets = Secrets()
    secrets.add(SECRET, username="user")
    begin = time.process_time()
    secrets.redact(noise * (256 * 1024 // len(noise)))
    assert time.process_time() - begin < 5 / 4


@settings(max_examples=30)
@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=12),
    around=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=5),
)
def test_no_form_of_any_secret_is_left(secret: str, around: str) -> None:
    secrets = Secrets()
    secrets.add(secret)
    for form in (secret, quote(secret, safe=""), quote(secret, safe="").lower(), json.dumps(secret)[1:-1]):
        assert form not in secrets.redact(f"{around}{form}{around}")
