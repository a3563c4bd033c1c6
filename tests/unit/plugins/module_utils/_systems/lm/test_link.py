# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifecycle Manager: a URL of an archive, what of it is sent, and what is shown."""

from __future__ import annotations

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.link import link_to

from .setting import URL


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, URL),
        (f"{URL}?token=abcd1234#top", URL),
        ("http://jdoe:hunter22@acme.com/a.zip", "http://acme.com/a.zip"),
        ("HTTPS://jdoe@ACME.com:8443/A.zip?x", "https://acme.com:8443/A.zip"),
        ("ftp://acme.com/a.zip", "ftp://acme.com/a.zip"),
        ("file:///srv/a.zip", "file:///srv/a.zip"),
    ],
)
def test_a_link_is_sent_as_it_is_and_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    link = link_to(url, None)
    assert (link.url, link.shown) == (url, shown)
    assert link.is_public == (url == shown)


@pytest.mark.parametrize(
    "url",
    [
        *("", "  ", "a.zip", "/a.zip", "acme.com/a.zip", "http://", "http:///a.zip", "http://[::1", "file://"),
        *("http://acme.com:port/a", "http://acme.com/a b", "http://acme.com/a\n", "http://acme.com/ä", "http://a\\b"),
    ],
)
def test_what_is_no_link_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="import_url"):
        link_to(url, None)


@pytest.mark.parametrize(
    ("url", "hidden"),
    [
        (URL, []),
        (f"{URL}?token=ab%2Fc%252f&n=1&year=2016", ["ab/c%2f", "2016"]),
        (f"{URL}?abcd%20efgh", ["abcd efgh"]),
        ("http://jdoe:hunter%202@acme.com/a.zip#part", ["jdoe:hunter 2", "hunter 2", "part"]),
    ],
)
def test_what_may_be_secret_in_a_link_is_known_as_it_is_meant(url: str, hidden: list[str]) -> None:
    assert link_to(url, None).secrets == hidden


def test_a_link_that_is_refused_is_shown_without_what_may_be_secret() -> None:
    for url in ("http://jdoe:hunter22@acme.com:port/?t=hunter33#hunter44", "http://jdoe:hunter@22@acme.com/a b?hunter"):
        with pytest.raises(BadInput) as raised:
            link_to(url, None)
        assert "hunter" not in raised.value.message
