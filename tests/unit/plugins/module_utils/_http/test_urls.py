# SPDX-License-Identifier: GPL-3.0-or-later
"""Each URL has one spelling, and what is no URL is refused."""

from __future__ import annotations

from typing import Callable
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._http.urls import base_url, normalised_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://licstat.example.com", "https://licstat.example.com"),
        ("https://licstat.example.com/", "https://licstat.example.com"),
        ("HTTPS://LicStat.Example.COM/", "https://licstat.example.com"),
        ("https://licstat.example.com:443/", "https://licstat.example.com"),
        ("http://licstat.example.com:80", "http://licstat.example.com"),
        ("http://licstat.example.com:443", "http://licstat.example.com:443"),
        ("https://licstat.example.com:8443", "https://licstat.example.com:8443"),
        ("https://example.com/Tools/LicStat/", "https://example.com/Tools/LicStat"),
        ("https://example.com/a%20b//", "https://example.com/a%20b"),
        ("http://[2001:DB8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
        ("http://[::1]", "http://[::1]"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://[0:0:0:0:0:0:0:1]/", "http://[::1]"),
        ("http://[2001:0DB8:0000::0001]", "http://[2001:db8::1]"),
        ("http://[::ffff:7f00:1]", "http://[::ffff:127.0.0.1]"),
        ("http://[fe80::1%25eth0]", "http://[fe80::1%25eth0]"),
        ("https://b\xfccher.example.com", "https://xn--bcher-kva.example.com"),
        ("https://BU\u0308CHER.example.com", "https://xn--bcher-kva.example.com"),
        ("https://XN--BCHER-KVA.example.com", "https://xn--bcher-kva.example.com"),
        ("https://b%C3%BCcher.example.com", "https://xn--bcher-kva.example.com"),
        ("https://b\xfccher\u3002example\uff0ecom", "https://xn--bcher-kva.example.com"),
        ("https://fa\xdf.example.com", "https://xn--fa-hia.example.com"),
        ("https://licstat.example.com./", "https://licstat.example.com"),
        ("https://%6cicst%61t.example.com", "https://licstat.example.com"),
        ("https://lic_stat.example.com", "https://lic_stat.example.com"),
        ("https://example.com//tools///licstat", "https://example.com/tools/licstat"),
        ("https://example.com/./a/b/../licstat/.", "https://example.com/a/licstat"),
        ("https://example.com/%2e%2E/a/%2e/b", "https://example.com/a/b"),
        ("https://example.com/a//../b", "https://example.com/a/b"),
        ("https://example.com/..", "https://example.com"),
        ("https://example.com/%6cic%73tat/%7Euser", "https://example.com/licstat/~user"),
        ("https://example.com/a%2fb", "https://example.com/a%2Fb"),
        ("https://example.com/a+b", "https://example.com/a+b"),
        ("https://example.com/a%2bb", "https://example.com/a%2Bb"),
        ("https://example.com/lizenz\xfcbersicht", "https://example.com/lizenz%C3%BCbersicht"),
        ("https://example.com/lizenz%c3%bcbersicht", "https://example.com/lizenz%C3%BCbersicht"),
        ('https://example.com/{a}"b"', "https://example.com/%7Ba%7D%22b%22"),
        ("https://example.com:0443/", "https://example.com"),
        ("https://example.com:08443/", "https://example.com:8443"),
        ("https://example.com:/", "https://example.com"),
        ("https://example.com?", "https://example.com"),
    ],
)
def test_a_base_url_has_one_spelling(url: str, expected: str) -> None:
    assert base_url(url) == expected
    assert base_url(expected) == expected


@pytest.mark.parametrize(
    "url",
    [
        *("", "licstat.example.com", "licstat.example.com:8080", "//licstat.example.com", "ftp://licstat.example.com"),
        *("file:///etc/passwd", "https://", "https://:8443", "https:/licstat.example.com"),
        *("https://licstat.example.com:port", "https://licstat.example.com:99999", "https://licstat.example.com:-1"),
        *("http://[::1", "https://licstat.example.com/?a=b", "https://licstat.example.com/#top"),
        *("https://licstat.example.com\n", "https://licstat.example.com/a b", " https://licstat.example.com"),
        *("https://licstat.example.com/\x00", "https://licstat.example.com\\@elsewhere.example.com"),
        *("https://lic\tstat.example.com", "https://@licstat.example.com", "https://:@licstat.example.com"),
        *("https://licstat.example.com:0", "https://licstat.example.com:00", "https://licstat.example.com:65536"),
        "https://licstat.example.com:" + "9" * 5000,
        "https://licstat.example.com:+80",
        "https://licstat.example.com:8_0",
        "https://licstat.example.com:\u0668\u0660",
        "https://licstat.example.com/100%",
        "https://licstat.example.com/%zz",
        "https://licstat.example.com/a%2",
        "https://lic%stat.example.com",
        "https://lic%2fstat.example.com",
        "https://lic%40stat.example.com",
        "https://lic%3Astat.example.com",
        "https://lic%ffstat.example.com",
        "https://lic%20stat.example.com",
        "https://licstat..example.com",
        "https://.example.com",
        "https://.",
        "https://licstat.example.com..",
        "https://\xfc_\xfc.example.com",
        "https://\u2488.example.com",
        "https://\xfc" + "a" * 70 + ".example.com",
        "https://licstat.example.com/\udcff",
        "http://[::1]x",
        "http://[12345::]",
        "http://[127.0.0.1]",
        "http://::1",
    ],
)
def test_what_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(BadInput) as raised:
        base_url(url)
    assert raised.value.message.startswith("url ")


@pytest.mark.parametrize(
    "url",
    [
        *("https://user:hunter2@licstat.example.com", "https://hunter2@licstat.example.com"),
        *("https://:hunter2@licstat.example.com", "https://user:hunter2@licstat.example.com:99999"),
        *("https://user:hunter2@[::1", "https:/user:hunter2@licstat.example.com", "user:hunter2@licstat.example.com"),
        *("ftp://user:hunter2@licstat.example.com", "https://licstat.example.com/?token=hunter2"),
        "https://licstat.example.com/#hunter2",
    ],
)
def test_a_url_with_credentials_is_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(BadInput) as raised:
        base_url(url)
    assert "hunter2" not in str(raised.value)


NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True).filter(lambda name: name[2:4] != "--")

SEGMENTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="/?#%\\:@!$&'()*+,;="),
    min_size=1,
    max_size=6,
)
"""Without what means something else where it is not percent-encoded."""


@given(
    hosts=st.lists(NAMES, min_size=1, max_size=3),
    port=st.sampled_from(["", "8080", "443", "80"]),
    segments=st.lists(SEGMENTS.filter(lambda one: one not in (".", "..")), max_size=4),
    data=st.data(),
)
def test_all_spellings_of_a_url_are_one_and_no_others(
    hosts: list[str], port: str, segments: list[str], data: st.DataObject
) -> None:
    def spelled(text: str) -> str:
        """Any character in capitals as one likes, or percent-encoded."""
        ways: list[Callable[[str], str]] = [
            str,
            lambda one: quote(one, safe=""),
            lambda one: "".join(f"%{byte:02x}" for byte in one.encode()),
        ]
        return "".join(data.draw(st.sampled_from(ways))(one) for one in text)

    host = ".".join(hosts)
    plain = f"https://{host}{port and f':{port}'}/{'/'.join(segments)}"
    ways = st.sampled_from(["/", "//", "/./", "/elsewhere/../", "/%2E/"])
    path = "".join(f"{data.draw(ways)}{quote(spelled(one), safe='%')}" for one in segments)
    variant = f"HTTPS://{spelled(host).upper()}.:{port and f'00{port}'}{path}/"

    assert base_url(plain) == base_url(variant)
    assert base_url(base_url(plain)) == base_url(plain)
    decoded = [unquote(one) for one in urlsplit(base_url(plain)).path.split("/")[1:]]
    assert decoded == segments  # so that no two paths have become one
    assert urlsplit(base_url(plain)).hostname == host


@given(st.text(st.sampled_from("/.%2eEfFaä?#:@[]x \\"), max_size=20))
@example("http://x/%252e%252e/a")
def test_what_has_one_spelling_keeps_it(text: str) -> None:
    for spelling in (base_url, lambda url: normalised_url("url", url)):
        try:
            once = spelling(f"http://x{text}")
        except BadInput:
            continue
        assert spelling(once) == once


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://me:hunter2@ACME.com:80/a//b/?token=hunter2#x", "http://acme.com/a//b/"),
        ("ftp://acme.com:21/%7ea.zip", "ftp://acme.com/~a.zip"),
        ("file:///data/a%2fb.zip", "file:///data/a%2Fb.zip"),
        ("http://acme.com", "http://acme.com/"),
        ("http://acme.com/a/../b/.", "http://acme.com/b/"),
    ],
)
def test_any_url_has_one_spelling_that_keeps_empty_segments_and_no_secrets(url: str, expected: str) -> None:
    assert normalised_url("import_url", url) == expected


def test_what_has_no_spelling_is_refused_by_the_name_of_its_option() -> None:
    with pytest.raises(BadInput, match=r"import_url .*'%zz'"):
        normalised_url("import_url", "http://acme.com/%zz")
