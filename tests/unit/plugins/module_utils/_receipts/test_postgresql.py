# SPDX-License-Identifier: GPL-3.0-or-later
"""What is peculiar to receipts in PostgreSQL: how it is reached, who may use it, and that it may go away."""

from __future__ import annotations

import builtins
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, StoreError, now_text
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Fingerprint
from ansible_collections.assetops.imports.plugins.module_utils._receipts import postgresql as _receipts_postgresql
from ansible_collections.assetops.imports.plugins.module_utils._receipts import reconnecting
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.postgresql import PostgreSQL, secrets_in
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from .....postgresql import ROLE, STRANGER, Server
from .....stores import ask
from ..fakes import DIGEST, ScriptedSystem, TurnedClock, running, seen
from ..other_run import wanted
from .attempts import A, claimed, owner_of, receipt_of

PACE = WaitOptions(timeout=3600, max_pause=10, unreachable_timeout=300)
STANDBY = "data/standby.signal"


@pytest.fixture
def location(postgresql: Server) -> str:
    return postgresql.new_store()


@pytest.fixture(scope="module")
def server_of_these_tests() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def own_server(server_of_these_tests: Server) -> Iterator[Server]:
    """A server that may be stopped, and made a replica."""
    yield server_of_these_tests
    server_of_these_tests.stop()
    (server_of_these_tests.folder / STANDBY).unlink(missing_ok=True)
    server_of_these_tests.start()


def imported(system: ScriptedSystem, store: Store, policy: Policy | None = None) -> Import:
    (one,) = Importer(system, store, policy or Policy(), PACE, TurnedClock().clock).run([A])
    return one


# The URL.


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("postgresql://user@host/db?sslmode=require", []),
        ("postgresql://host", []),
        ("postgresql:///?service=receipts", []),
        ("postgresql://user@one,two:5433/db?options=-csearch_path%3Da&passfile=/x", []),
        ("postgresql://user:s3cret@host/db", ["s3cret"]),
        ("postgres://user:s3cr%40t@host/db", ["s3cr%40t"]),
        ("postgresql://user:a@b@host/db", ["a@b"]),
        ("postgresql://host/db?password=s3cret", ["s3cret"]),
        ("postgresql://host/db?user=x&p%61ssword=s3cr%40t", ["s3cr@t", "s3cr%40t"]),
        ("postgresql://host/db?sslpassword=s3cret", ["s3cret"]),
    ],
)
def test_a_password_in_a_url_is_found_and_refused(url: str, secrets: list[str]) -> None:
    assert secrets_in(url) == secrets
    if secrets:
        with pytest.raises(BadInput, match="receipts_password") as raised:
            open_store(url)
        assert not any(secret in raised.value.message for secret in secrets)


def test_a_password_may_come_from_the_option_the_environment_or_a_service(
    postgresql: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = postgresql.password()
    plain = f"postgresql://{ROLE}@127.0.0.1:{postgresql.port}/{ROLE}"
    with pytest.raises(StoreError, match="password"):
        open_store(plain)
    open_store(plain, password=password, read_only=True).close()
    with monkeypatch.context() as environment:
        environment.setenv("PGPASSWORD", password)
        open_store(plain, read_only=True).close()
    services = tmp_path / "services"
    services.write_text(
        f"[imports]\nhost=127.0.0.1\nport={postgresql.port}\nuser={ROLE}\ndbname={ROLE}\npassword={password}\n",
        encoding="utf-8",
    )
    with monkeypatch.context() as environment:
        environment.setenv("PGSERVICEFILE", str(services))
        open_store("postgresql:///?service=imports", read_only=True).close()
        environment.setenv("PGSERVICE", "imports")
        open_store("postgresql://", read_only=True).close()


def test_a_password_for_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="receipts_password is of no use"):
        open_store(str(tmp_path / "receipts.db"), password="s3cret")


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:9/db", "postgresql://host.invalid/db", "postgresql://h/?no=1"])
def test_a_server_that_cannot_be_reached_is_an_error_in_words(url: str) -> None:
    with pytest.raises(StoreError, match="could not be opened") as raised:
        open_store(url)
    assert url in raised.value.message
    assert "\n" not in raised.value.message


def test_without_psycopg_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import_as_ever = builtins.__import__

    def without_psycopg(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "psycopg":
            raise ImportError("no pq wrapper available")
        return import_as_ever(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_psycopg)
    with pytest.raises(StoreError, match=r"psycopg\[binary\].*no pq wrapper"):
        open_store("postgresql://host/db")


def test_the_server_knows_who_is_connected_notices_who_went_away_and_keeps_what_is_committed(location: str) -> None:
    """Whatever the role has set for itself."""
    names = "application_name", "lock_timeout", "idle_in_transaction_session_timeout", "synchronous_commit"
    with closing(open_store(location + "%20-csynchronous_commit%3Doff")) as store:
        found = [store.read(f"SELECT current_setting('{name}') AS value")[0]["value"] for name in names]
    assert found == ["assetops.imports", "1min", "20s", "on"]


# Making it.


def test_a_role_that_may_make_no_tables_is_reported_what_to_run(postgresql: Server) -> None:
    url = postgresql.url(STRANGER)
    with pytest.raises(StoreError, match=f'CREATE SCHEMA AUTHORIZATION "{STRANGER}"'):
        open_store(url)
    ask(postgresql.url("postgres", ROLE), f'CREATE SCHEMA AUTHORIZATION "{STRANGER}"')
    try:
        with closing(open_store(url)) as store:
            assert store.created
            assert store.claim(A, None, now_text()) == 1
    finally:
        ask(postgresql.url("postgres", ROLE), f'DROP SCHEMA "{STRANGER}" CASCADE')


def test_a_role_that_may_not_use_the_tables_of_another_is_reported_what_to_run(
    postgresql: Server, location: str
) -> None:
    open_store(location).close()
    schema = location.rpartition("%3D")[2]
    admin = postgresql.url("postgres", ROLE, schema)
    ask(admin, f"GRANT USAGE ON SCHEMA {schema} TO {STRANGER}")
    url = postgresql.url(STRANGER, schema=schema)
    with pytest.raises(StoreError, match="GRANT SELECT, INSERT, UPDATE, DELETE ON") as raised:
        open_store(url)
    ask(admin, raised.value.message.partition("once: ")[2])
    with closing(open_store(url)) as store:
        assert not store.created
        assert store.claim(A, None, now_text()) == 1


def test_check_mode_tells_of_a_role_that_may_make_no_tables_and_who_only_reads_needs_none(postgresql: Server) -> None:
    for url in (postgresql.url(STRANGER), postgresql.url(schema="nowhere")):
        messages = set()
        for read_only in (False, True):
            with pytest.raises(StoreError, match="CREATE SCHEMA AUTHORIZATION") as raised:
                open_store(url, read_only=read_only)
            messages.add(raised.value.message.partition("The role needs")[2])
        assert len(messages) == 1
        with closing(open_store(url, read_only=True, make=False)) as store:
            assert store.find([A.key]) == {}


@pytest.mark.parametrize("missing", ["INSERT", "UPDATE", "DELETE"])
def test_check_mode_finds_that_a_role_may_not_use_the_tables(postgresql: Server, location: str, missing: str) -> None:
    open_store(location).close()
    schema = location.rpartition("%3D")[2]
    admin = postgresql.url("postgres", ROLE, schema)
    rights = ", ".join({"SELECT", "INSERT", "UPDATE", "DELETE"} - {missing})
    ask(admin, f"GRANT USAGE ON SCHEMA {schema} TO {STRANGER}")
    ask(admin, f"GRANT {rights} ON ALL TABLES IN SCHEMA {schema} TO {STRANGER}")
    url, check = postgresql.url(STRANGER, schema=schema), Policy(check_mode=True)
    with closing(open_store(url, read_only=True)) as store:
        assert store.find([A.key]) == {}
        one = imported(ScriptedSystem(), store, check)
        assert (one.state, one.changed, one.has_failed) == ("failed", False, True)
        assert "GRANT SELECT, INSERT, UPDATE, DELETE" in one.message
    ask(admin, f"GRANT {missing} ON ALL TABLES IN SCHEMA {schema} TO {STRANGER}")
    with closing(open_store(url, read_only=True)) as store:
        assert imported(ScriptedSystem(), store, check).state == "planned"


def a_database(server: Server, encoding: str) -> str:
    """The URL of a new database with this encoding."""
    name = f"in_{encoding.lower()}"
    made = f"CREATE DATABASE {name} OWNER {ROLE} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    ask(server.url("postgres", "postgres"), f"DROP DATABASE IF EXISTS {name}")
    ask(server.url("postgres", "postgres"), made)
    return server.url(database=name)


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP"])
def test_a_database_that_cannot_hold_all_texts_is_refused(postgresql: Server, encoding: str) -> None:
    url = a_database(postgresql, encoding)
    hows: list[dict[str, Any]] = [{}, {"read_only": True}, {"read_only": True, "make": False}, {"required": True}]
    for how in hows:
        with pytest.raises(StoreError, match=f"has the encoding {encoding}, .*ENCODING 'UTF8' TEMPLATE") as raised:
            open_store(url, **how)
    admin = postgresql.url("postgres", "postgres")
    ask(admin, raised.value.message.partition("by: ")[2])  # what it says makes one that is right
    ask(admin, f"ALTER DATABASE receipts OWNER TO {ROLE}")
    with closing(open_store(postgresql.url(database="receipts"))) as store:
        assert store.created
    ask(admin, "DROP DATABASE receipts")


def test_a_database_that_keeps_bytes_as_they_come_keeps_every_text(postgresql: Server) -> None:
    words = 'žluťoučký "kůň" \U0001f40e'
    location = a_database(postgresql, "SQL_ASCII")
    with closing(open_store(location)) as store:
        assert store.claim(A, None, now_text(), {"words": words}) == 1
        assert store.mark_sent(A.key, 1, DIGEST)
        store.record(A.key, 1, "failed", words, remote_id=words, detail={"server": words})
    with closing(open_store(location, read_only=True)) as store:
        receipt = receipt_of(store)
    assert (receipt.message, receipt.remote_id, receipt.detail["server"]) == (words, words, words)


def test_a_replica_is_reported_before_anything_is_sent_and_can_be_read(own_server: Server) -> None:
    made, empty = own_server.new_store(), own_server.new_store()
    with closing(open_store(made)) as store:
        imported(ScriptedSystem(), store)
    own_server.stop()
    (own_server.folder / STANDBY).touch()
    own_server.start()
    for read_only in (True, False):
        with pytest.raises(StoreError, match="it is a replica"):
            open_store(empty, read_only=read_only)
        with closing(open_store(made, read_only=read_only)) as store:
            system = ScriptedSystem()
            policy = Policy(check_mode=read_only, force=True)
            one = imported(system, store, policy)
            assert (one.state, one.changed, system.tried) == ("failed", False, [])
            assert "it is a replica" in one.message
            assert receipt_of(store).state == "succeeded"


def test_what_a_role_has_set_ends_no_run_and_changes_no_number(postgresql: Server) -> None:
    settings = {
        "default_transaction_read_only": "on",
        "extra_float_digits": "-15",
        "statement_timeout": "20000",
        "idle_session_timeout": "20000",
        "transaction_timeout": "20000",
    }
    plain = postgresql.new_store()
    location = plain + "".join(f"%20-c{name}%3D{value}" for name, value in settings.items())
    with closing(open_store(location)) as store, closing(open_store(location)) as other:
        claimed(other)
        ask(plain, "UPDATE runs SET host = 'elsewhere'")
        assert owner_of(store).is_alive
        for name in ("statement_timeout", "idle_session_timeout", "transaction_timeout"):
            (row,) = store.read(f"SELECT current_setting('{name}') AS value")
            assert row["value"] == "0"


def test_tables_of_others_are_left_alone(location: str) -> None:
    ask(location, "CREATE TABLE receipts (shop text)")
    with pytest.raises(StoreError, match="search_path"):
        open_store(location)
    assert ask(location, "SELECT count(*) FROM receipts") == [(0,)]
    assert ask(location, "SELECT to_regclass('attempts')") == [(None,)]


def test_a_store_of_a_newer_release_is_refused(location: str) -> None:
    open_store(location).close()
    ask(location, "UPDATE assetops_receipts SET version = 1000")
    for read_only in (False, True):
        with pytest.raises(StoreError, match="newer release"):
            open_store(location, read_only=read_only)


def test_a_store_that_is_only_read_is_not_made_and_not_changed(location: str) -> None:
    with closing(open_store(location, read_only=True)) as store:
        assert store.find([A.key]) == {}
    assert ask(location, "SELECT to_regclass('receipts')") == [(None,)]
    open_store(location).close()
    with closing(open_store(location, read_only=True)) as store:
        with pytest.raises(StoreError, match="read-only"):
            store.claim(A, None, now_text())
        assert store.find([A.key]) == {}


# Connections that are lost.


class Cutter:
    """Cuts the connection at one of the statements that the main thread makes, right before or right after it."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements: list[str] = []
        self.cut_at: tuple[int, str] = (0, "")
        execute = PostgreSQL.execute

        def watched(database: PostgreSQL, statement: str, values: Any = ()) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return execute(database, statement, values)
            self.statements.append(statement)
            if self.cut_at == (len(self.statements), "before"):
                server.cut_connections()
            rows = execute(database, statement, values)
            if self.cut_at == (len(self.statements), "after"):
                server.cut_connections()
                execute(database, "SELECT 1 AS one")  # which fails, as if the answer had not come
            return rows

        monkeypatch.setattr(PostgreSQL, "execute", watched)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_that_is_cut_at_any_statement_costs_nothing(
    when: str,
    postgresql: Server,
    stride: Callable[[int], int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever was lost, the statement or only its answer: one import, and the receipt knows it.

    While the store is opened nothing was sent yet; there the run fails, and the next one makes it good. Of those
    statements, which make the tables one by one, every fifth is enough.
    """
    cutter = Cutter(postgresql, monkeypatch)
    begins: list[int] = []

    def run(cut_at: int) -> tuple[Import, ScriptedSystem, str]:
        location = postgresql.new_store()
        cutter.statements.clear()
        cutter.cut_at = (cut_at, when)
        system = ScriptedSystem()
        if begins and cut_at <= begins[0]:
            with pytest.raises(StoreError, match="could not be opened"):
                open_store(location)
        with closing(open_store(location)) as store:
            begins.append(len(cutter.statements))
            return imported(system, store), system, location

    run(0)
    count = len(cutter.statements)
    for number in [*range(1, begins[0] + 1, stride(5)), *range(begins[0] + 1, count + 1)]:
        one, system, location = run(number)
        where = f"cut {when} statement {number}"
        assert (one.state, one.changed, one.has_failed, one.message) == ("succeeded", True, False, ""), where
        assert system.commits == ["a"], where
        assert ask(location, "SELECT attempt, state, remote_id FROM attempts") == [(1, "succeeded", "task 1")], where
        assert ask(location, "SELECT * FROM runs") == [], where
    assert count > 15 + begins[0]
    with capsys.disabled():
        print(f"\n  the connection was cut right {when} each of {count - begins[0]} statements", end=" ")


def test_a_claim_whose_answer_was_lost_is_not_taken_twice(postgresql: Server, store: Store) -> None:
    """The change is made again, and finds what it had made."""
    assert store.claim(A, None, now_text()) == 1
    cut = iter([True])
    execute = store._database.execute

    def lose_the_answer(statement: str, values: Sequence[Any] = ()) -> Any:
        rows = execute(statement, values)
        if statement == "COMMIT" and next(cut, False):
            postgresql.cut_connections()
            execute("SELECT 1 AS one")
        return rows

    store._database.execute = lose_the_answer  # type: ignore[method-assign]  # broken in place
    b = wanted("b")
    assert store.claim(b, None, now_text()) == 1
    cut = iter([True])
    assert store.mark_sent(b.key, 1, DIGEST)
    assert not store.mark_sent(b.key, 1, DIGEST)
    assert store.find([b.key])[b.key].version == (1, "sent")


def test_who_lost_its_claim_while_the_store_was_away_may_not_commit(postgresql: Server, store: Store) -> None:
    lost = claimed(store)
    with closing(open_store(store.location)) as other:
        assert claimed(other) == 2
        postgresql.cut_connections()
        assert not store.mark_sent(A.key, lost, DIGEST)
        assert other.mark_sent(A.key, 2, DIGEST)


def test_a_store_that_is_away_for_a_while_is_waited_for(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnecting, "PAUSE", 0.05)
    with closing(open_store(own_server.new_store())) as store:
        assert store.claim(A, None, now_text()) == 1
        own_server.stop()
        reconnect, tries = store._database.reconnect, iter(range(3))

        def at_last() -> None:
            if next(tries) == 2:
                own_server.start()
            reconnect()

        monkeypatch.setattr(store._database, "reconnect", at_last)
        assert store.mark_sent(A.key, 1, DIGEST)
        assert receipt_of(store).state == "sent"


def test_a_store_that_stays_away_is_written_once_back(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The import goes on without it."""
    monkeypatch.setattr(reconnecting, "PATIENCE", 0.2)
    monkeypatch.setattr(reconnecting, "PAUSE", 0.05)
    system = ScriptedSystem()
    system.sights["task 1"] = running(3, seen("succeeded"))
    look = system.poll

    def come_back(*what: Any) -> Any:
        if system.looked_at == ["task 1"]:
            own_server.start()
        return look(*what)

    location = own_server.new_store()
    with closing(open_store(location)) as store:
        after(store, "mark_sent", own_server.stop, monkeypatch)
        monkeypatch.setattr(system, "poll", come_back)
        one = imported(system, store)
    assert (one.state, one.has_failed, one.save_error) == ("succeeded", False, None)
    assert ask(location, "SELECT state, remote_id FROM attempts") == [("succeeded", "task 1")]


def test_if_a_store_does_not_come_back_the_end_is_reported(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnecting, "PATIENCE", 0.2)
    monkeypatch.setattr(reconnecting, "PAUSE", 0.05)
    system = ScriptedSystem()
    with closing(open_store(own_server.new_store())) as store:
        after(store, "mark_sent", own_server.stop, monkeypatch)
        one = imported(system, store)
    assert (one.state, one.changed, one.has_failed, one.remote_id) == ("succeeded", True, True, "task 1")
    for words in ("could not be written down", "succeeded", "remote id task 1", own_server.url()[:30]):
        assert words in one.message
    own_server.start()


def after(store: Store, name: str, happening: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Something happens right after the store has done this."""
    method = getattr(store, name)

    def followed(*args: Any, **kwargs: Any) -> Any:
        result = method(*args, **kwargs)
        happening()
        return result

    monkeypatch.setattr(store, name, followed)


def test_a_run_that_stands_still_within_a_change_does_not_keep_the_others_for_ever(
    location: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends a transaction in which nothing happens; who wakes makes its change anew, or finds it too late."""
    monkeypatch.setattr(_receipts_postgresql, "LONGEST_TRANSACTION", 0.3)
    with closing(open_store(location)) as slow:
        begin = time.monotonic()

        def stand_still(execute: Any, is_again: bool) -> bool:
            if not is_again:
                assert store.claim(A, None, now_text()) == 1  # as soon as the server has let it
            execute("SELECT 1 AS one")
            return is_again

        assert slow.write(stand_still)
        assert time.monotonic() - begin < 20
        assert slow.claim(A, None, now_text()) is None


def test_a_role_with_another_isolation_by_default_sees_what_others_wrote(postgresql: Server) -> None:
    location = postgresql.new_store()
    strict = location + "%20-cdefault_transaction_isolation%3Dserializable"
    with closing(open_store(location)) as store, closing(open_store(strict)) as other:
        assert store.claim(A, None, now_text()) == 1
        assert other.claim(A, None, now_text()) is None


def test_digests_of_another_host_are_not_those_of_this_one(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Fingerprint("/log", 1, 1, 1, 1)
    with closing(open_store(location)) as store:
        store.remember_digests({log: "01" * 32})
        assert store.recall_digests([log]) == {log: "01" * 32}
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    with closing(open_store(location)) as store:
        assert store.recall_digests([log]) == {}


def test_the_end_of_a_run_does_not_wait_for_a_store_that_is_away(own_server: Server) -> None:
    store = open_store(own_server.new_store())
    assert store.claim(A, None, now_text()) == 1
    own_server.stop()
    begin = time.monotonic()
    store.close()
    assert time.monotonic() - begin < 5


# Leases go by the server's clock.


def test_a_run_with_a_wrong_clock_is_alive(location: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open_store(location)) as other:
        for hours in (-1000, 1000):
            with monkeypatch.context() as patch:
                now = time.time()
                patch.setattr(time, "time", lambda now=now, hours=hours: now + hours * 3600)
                claimed(other, f"{hours}")
                assert owner_of(store, f"{hours}").is_alive
