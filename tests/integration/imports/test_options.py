# SPDX-License-Identifier: GPL-3.0-or-later
"""What an option does that all systems have alike: addresses, certificates, proxies, receipts.

What an option does in one system only, is in that system's `test_options.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ...postgresql import Server, without_password_file
from ...stores import ask
from ..exercised import Test, exercises
from ..listener import Listener, http_answer
from ..support import ABSENT, assert_plain_failure, only
from .systems import One

MODULES = {
    "licstat": "licstat_import",
    "bigfix": "bigfix_import",
    "haplo": "haplo_batch",
    "haplo's standard batches": "haplo_batch",
    "lm": "lm_import",
}


def of(*names: str, options: tuple[str, ...], fixture: str = "one") -> Callable[[Test], Test]:
    """For tests of options that these systems have alike."""

    def marked(test: Test) -> Test:
        for name in names:
            exercises(*options, of=MODULES[name])(test)
        parametrized: Test = pytest.mark.parametrize(fixture, names, indirect=True)(test)
        return parametrized

    return marked


# Which server, and who asks.


@of("licstat", "haplo", options=("url",))
def test_another_address_is_another_server(one: One) -> None:
    one()

    one.assert_done(one(url=one.elsewhere, **one.again), "new")
    assert one.imports() == 2


@of("licstat", "haplo", "haplo's standard batches", "lm", options=("url", "target_name"))
def test_a_name_stands_for_the_server_whatever_its_address(one: One) -> None:
    first = one(target_name="production")
    second = one(target_name="production", url=one.elsewhere)

    one.assert_done(second, "receipt")
    assert only(first)["target"] == only(second)["target"] == one.target
    assert one(target_name="another", check=True)["state"] == "planned"
    assert one.imports() == 1


@of("licstat", "haplo", "haplo's standard batches", "lm", options=("url",))
def test_address_and_credentials_are_taken_from_the_environment(one: One, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in one.login.values():
        monkeypatch.setenv(variable, value)

    one.assert_done(one(**dict.fromkeys(one.login, ABSENT)), "new")


# The way there.


@of("licstat", "bigfix", "haplo", "lm", options=("ca_path", "validate_certs"), fixture="over_tls")
def test_a_certificate_is_checked_as_told(over_tls: One) -> None:
    untrusted = over_tls(ca_path=ABSENT, wait_timeout=0)
    assert_plain_failure(untrusted)
    assert (untrusted["state"], untrusted["changed"]) == ("failed", False)
    assert "its certificate is not trusted" in untrusted["msg"]
    assert "ca_path" in untrusted["msg"]
    assert over_tls.modules.sandbox.requests() == []

    trusting = over_tls(ca_path=str(over_tls.modules.sandbox.ca_path), receipts="none")
    over_tls.assert_done(trusting, "new")
    over_tls.assert_done(over_tls(ca_path=ABSENT, validate_certs=False, receipts="none", **over_tls.again), "new")
    assert over_tls.imports() == 2


@pytest.mark.usefixtures("quick_retries")
@of("bigfix", "haplo", options=("use_proxy",))
def test_a_proxy_of_the_environment_is_used_unless_not_wanted(one: One, monkeypatch: pytest.MonkeyPatch) -> None:
    with Listener(http_answer(b"no", "407 Proxy Authentication Required")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)

        result = one()
        assert_plain_failure(result)
        assert (result["state"], result["changed"]) == ("failed", False)
        assert one.modules.sandbox.requests() == []
        asked = len(proxy.received())

        one.assert_done(one(use_proxy=False, receipts="none"), "new")
        assert len(proxy.received()) == asked > 0


@of("licstat", "bigfix", "haplo", options=("progress",))
def test_progress_adds_nothing_to_what_a_module_gives(one: One) -> None:
    for interval in (0, 0.001):
        output = one.modules.output(*one.what, progress=interval, receipts="none", **one.again)
        assert len(output.strip().splitlines()) == 1


# Receipts.


@of("licstat", "haplo", "haplo's standard batches", options=("receipts",))
def test_without_receipts_every_run_imports(one: One) -> None:
    for _number in range(2):
        result = one(receipts="none", **one.again)
        one.assert_done(result, "new")
        assert result["receipts"] == {"store": "none", "created": False}

    assert one.imports() == 2
    assert list(Path.home().iterdir()) == []


@pytest.mark.parametrize("how", ["by default", "from the environment", "below ~"])
@of("licstat", "haplo", options=("receipts",))
def test_receipts_have_a_default_and_are_where_the_environment_says(
    one: One, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    place = {"by default": ".ansible/assetops/receipts.db"}.get(how, "my/receipts.db")
    if how == "from the environment":
        monkeypatch.setenv("ASSETOPS_RECEIPTS", str(Path.home() / place))

    result = one(receipts=f"~/{place}" if how == "below ~" else ABSENT)

    one.assert_done(result, "new")
    assert result["receipts"] == {"store": str(Path.home() / place), "created": True}
    told = ask(str(Path.home() / place), "SELECT state FROM receipts JOIN attempts USING (key)")
    assert told == [(one.done,)]


@of("licstat", "haplo", options=("receipts", "receipts_password"))
def test_receipts_may_be_in_a_database_that_takes_a_password(one: One, postgresql: Server) -> None:
    with_password_file = postgresql.new_store()
    without = without_password_file(with_password_file)

    refused = one(receipts=without)
    first = one(receipts=without, receipts_password=postgresql.password())
    second = one(receipts=with_password_file)

    assert_plain_failure(refused)
    assert "password" in refused["msg"]
    one.assert_done(first, "new")
    assert first["receipts"] == {"store": without, "created": True}
    assert without in str(first["warnings"])
    one.assert_done(second, "receipt")
    assert second["receipts"] == {"store": with_password_file, "created": False}
    assert one.imports() == 1


@of("licstat", "bigfix", "haplo", options=("require_receipts",))
def test_a_missing_store_is_an_error_where_receipts_are_required(one: One) -> None:
    refused = one(require_receipts=True)

    assert_plain_failure(refused)
    assert str(one.modules.store) in refused["msg"]
    assert "require_receipts" in refused["msg"]
    assert one.modules.sandbox.requests() == []
    assert not one.modules.store.parent.exists()
    one()
    one.assert_done(one(require_receipts=True), one.rest)


@of("haplo", "haplo's standard batches", "lm", options=("force",))
def test_force_imports_again_what_was_imported(one: One) -> None:
    one()

    one.assert_done(one(force=True), "forced")
    assert one.imports() == 2
    one.assert_done(one(), "receipt")
