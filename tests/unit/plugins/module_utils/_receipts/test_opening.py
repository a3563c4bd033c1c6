# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening a store: new ones, old ones, and places where none can be."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import ImportsError, StoreError
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Fingerprint
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import is_url, open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.postgresql import PostgreSQL
from ansible_collections.assetops.imports.plugins.module_utils._receipts.sqlite import SQLite
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from .....stores import ask, new_store
from ..nobody import unprivileged
from .attempts import IN_A_FILE, NO_DIGEST, A, B, claim, claimed, ended, receipt_of


def test_a_new_store_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "some" / "where" / "receipts.db"
    before = os.umask(0)
    try:
        with closing(open_store(str(path))) as store:
            claimed(store)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_run_knows_whether_it_made_the_store(location: str) -> None:
    with closing(open_store(location)) as first, closing(open_store(location)) as second:
        assert (first.created, second.created) == (True, False)


def test_a_store_in_the_home_folder_is_found_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with closing(open_store("~/receipts.db")) as store:
        assert store.location == str(tmp_path / "receipts.db")
    assert (tmp_path / "receipts.db").exists()


@pytest.mark.parametrize("name", ["with space?mode=memory#%41.db", "účtenky.db", "none.db", os.fsdecode(b"\xff.db")])
def test_a_store_may_have_any_name(tmp_path: Path, name: str) -> None:
    for _run in range(2):
        with closing(open_store(str(tmp_path / name))) as store:
            ended(store, "a", "succeeded")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_without_a_store_a_run_has_one_that_is_forgotten() -> None:
    with closing(open_store("none")) as store:
        assert not store.created
        ended(store, "a", "succeeded")
        assert receipt_of(store).state == "succeeded"
    with closing(open_store("none")) as store:
        assert store.find([A.key]) == {}


@IN_A_FILE
def test_a_store_that_is_only_read_is_not_made(location: str) -> None:
    with closing(open_store(location, read_only=True)) as store:
        assert (store.created, store.find([A.key]), store.newest_of("stream")) == (False, {}, None)
    assert not Path(location).exists()


@IN_A_FILE
def test_a_store_that_is_only_read_tells_what_is_in_it_and_stays_as_it_is(location: str, store: Store) -> None:
    ended(store, "a", "succeeded")
    before = Path(location).read_bytes()
    with closing(open_store(location, read_only=True)) as reader:
        assert receipt_of(reader).state == "succeeded"
        reader.remember_digests({Fingerprint("/log", 1, 1, 1, 1): "ab" * 32})
        assert reader.recall_digests([Fingerprint("/log", 1, 1, 1, 1)]) == {}
        with pytest.raises(StoreError, match="could not be written"):
            claim(reader, B, None)
    assert Path(location).read_bytes() == before


@IN_A_FILE
def test_a_store_that_was_never_filled_is_read_as_empty(location: str) -> None:
    """As it is left by a run that is killed right after it made the file."""
    Path(location).touch()
    with closing(open_store(location, read_only=True)) as store:
        assert store.find([A.key]) == {}
    with closing(open_store(location)) as store:
        assert claimed(store) == 1


def a_database_of_others(path: Path) -> None:
    ask(str(path), "CREATE TABLE recipes (name)")


def a_database_of_another_application(path: Path) -> None:
    ask(str(path), "CREATE TABLE receipts (key)")
    ask(str(path), "PRAGMA application_id = 1196444487")


def a_newer_store(path: Path) -> None:
    open_store(str(path)).close()
    ask(str(path), "PRAGMA user_version = 1000")


@IN_A_FILE
@pytest.mark.parametrize("read_only", [False, True], ids=["to write", "to read"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("These are not receipts. " * 100), "not a database"),
        (Path.mkdir, "could not be opened"),
        (a_database_of_others, "no receipt store"),
        (a_database_of_another_application, "no receipt store"),
        (a_newer_store, "newer release"),
    ],
)
def test_what_is_no_store_of_ours_is_left_alone(location: str, make: Any, words: str, read_only: bool) -> None:
    make(Path(location))
    before = Path(location).read_bytes() if make is not Path.mkdir else None
    with pytest.raises(StoreError, match=words) as raised:
        open_store(location, read_only=read_only)
    assert location in raised.value.message
    assert before is None or Path(location).read_bytes() == before


@pytest.mark.parametrize(
    ("location", "read_only"),
    [
        ("/proc/no/receipts.db", False),
        ("/dev/null/receipts.db", False),
        ("/dev/null/receipts.db", True),
        ("/tmp/\0/receipts.db", False),
        ("/tmp/\0/receipts.db", True),
    ],
)
def test_a_place_where_no_file_can_be_made_is_an_error_in_words(location: str, read_only: bool) -> None:
    with pytest.raises(ImportsError, match=r"receipts? "):
        open_store(location, read_only=read_only)


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def a_link_to_nothing(path: Path) -> None:
    path.symlink_to(path.with_name("not mounted"))


def a_link_to_nothing_in_its_path(path: Path) -> None:
    path.parent.rmdir()
    a_link_to_nothing(path.parent)


def a_file_in_its_path(path: Path) -> None:
    path.parent.rmdir()
    path.parent.touch()


IN_A_PATH = "below/it/receipts.db"


@pytest.mark.parametrize(
    ("make", "name", "words"),
    [
        (os.mkfifo, "receipts.db", "no regular file"),
        (Path.mkdir, "receipts.db", "no regular file"),
        (a_link_to_nothing, "receipts.db", "receipts.db is a link to .*/not mounted, and there is nothing"),
        (a_link_to_itself, "receipts.db", "(?i)symbolic links"),
        (os.mkfifo, IN_A_PATH, "below is no folder"),
        (a_link_to_nothing, IN_A_PATH, "below is a link to .*/not mounted, and there is nothing"),
        (a_link_to_itself, IN_A_PATH, "(?i)symbolic links"),
        (a_link_to_nothing_in_its_path, IN_A_PATH, "folder is a link to .*/not mounted, and there is nothing"),
        (a_file_in_its_path, "receipts.db", "folder is no folder"),
        (a_file_in_its_path, IN_A_PATH, "folder is no folder"),
    ],
)
def test_check_mode_tells_of_a_place_what_a_run_tells(tmp_path: Path, make: Any, name: str, words: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    make(folder / name.partition("/")[0])
    messages = set()
    for read_only in (False, True, False):
        with pytest.raises(StoreError, match=words) as raised:
            open_store(str(folder / name), read_only=read_only)
        messages.add(raised.value.message)
    assert len(messages) == 1, messages


def test_a_link_to_a_store_is_that_store(tmp_path: Path) -> None:
    open_store(str(tmp_path / "receipts.db")).close()
    (tmp_path / "link.db").symlink_to(tmp_path / "receipts.db")
    with closing(open_store(str(tmp_path / "link.db"))) as store:
        assert not store.created


def test_check_mode_tells_of_an_empty_file_that_may_not_be_written_what_a_run_tells() -> None:
    with unprivileged() as folder:
        location = folder / "receipts.db"
        location.touch(mode=0o400)
        for read_only in (False, True):
            with pytest.raises(StoreError, match=r"readonly|cannot be written by this user"):
                open_store(str(location), read_only=read_only)
        open_store(str(location), read_only=True, make=False).close()  # for who only reads


ON_A_DISK_THAT_IS_READ_ONLY = """
import sys
from pathlib import Path
from ansible_collections.assetops.imports.plugins.module_utils._common.contract import StoreError
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
for read_only in (False, True):
    try:
        open_store(sys.argv[1] + "/receipts.db", read_only=read_only)
    except StoreError as error:
        print(error.message)
"""


@pytest.mark.skipif(not shutil.which("unshare"), reason="it takes Linux's namespaces")
def test_a_disk_that_is_read_only_is_reported_by_check_mode_too(tmp_path: Path) -> None:
    command = 'mount -t tmpfs -o ro small "$1" && exec "$2" -c "$3" "$1"'
    arguments = ["sh", "-c", command, "sh", str(tmp_path), sys.executable, ON_A_DISK_THAT_IS_READ_ONLY]
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if "unshare" in done.stderr:
        pytest.skip(done.stderr)
    as_run, as_checked = done.stdout.splitlines()
    assert as_run == as_checked
    assert f"{tmp_path} is on a read-only file system" in as_run


def test_the_bytes_of_a_path_are_utf8_whatever_the_locale(tmp_path: Path) -> None:
    code = f"import sys; from {open_store.__module__} import open_store"
    code += f"; print(sys.getfilesystemencoding()); open_store({str(tmp_path)!a} + '/\\xfa\\u010dtenky.db')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    )
    assert "utf-8" not in done.stdout
    assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == ["účtenky.db".encode()], done.stderr


@pytest.mark.parametrize("read_only", [False, True], ids=["to write", "to read"])
@pytest.mark.parametrize("name", ["receipts.db", "folder/receipts.db"])
def test_a_folder_that_may_not_be_written_is_an_error_in_words(name: str, read_only: bool) -> None:
    with unprivileged() as folder:
        (folder / "locked").mkdir(mode=0o500)
        with pytest.raises(StoreError, match=r"locked cannot be written by this user|Permission denied"):
            open_store(str(folder / "locked" / name), read_only=read_only)


def test_a_store_that_may_only_be_read_refuses_the_claim(store: Store) -> None:
    claimed(store, "rehearsal")  # so that everything is imported
    with unprivileged() as folder:
        location = str(folder / "receipts.db")
        with closing(open_store(location)) as writer:
            ended(writer, "a", "succeeded")
        Path(location).chmod(0o400)
        with closing(open_store(location)) as reader:
            assert receipt_of(reader).state == "succeeded"
            with pytest.raises(StoreError, match="readonly"):
                claim(reader, B, None)


def test_a_store_that_two_runs_make_at_once_is_made_once(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = PostgreSQL if is_url(location) else SQLite
    transaction = database.transaction

    @contextmanager
    def after_the_other(self: Any) -> Iterator[None]:
        monkeypatch.undo()
        with closing(open_store(location)) as other:
            assert other.created
            ended(other, "a", "succeeded")
        with transaction(self):
            yield

    monkeypatch.setattr(database, "transaction", after_the_other)
    with closing(open_store(location)) as store:
        assert not store.created
        assert receipt_of(store).state == "succeeded"


def test_a_store_that_another_run_makes_between_any_two_questions_is_taken_for_one(
    tmp_path: Path, location: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = "PostgreSQL" if is_url(location) else "SQLite"
    database = PostgreSQL if is_url(location) else SQLite
    execute = database.execute

    def questions_before_it_writes(number: int) -> bool:
        """Have another run make the store before the question of this number, if this run still only asks then."""
        (tmp_path / str(number)).mkdir()
        place = new_store(kind, tmp_path / str(number), request)
        asked: list[str] = []

        def interrupted(self: Any, statement: str, values: Any = ()) -> Any:
            asked.append(statement)
            if len(asked) == number + 1 and not any(one.startswith("BEGIN") for one in asked):
                with monkeypatch.context() as patch:
                    patch.setattr(database, "execute", execute)
                    open_store(place).close()
            return execute(self, statement, values)

        with monkeypatch.context() as patch:
            patch.setattr(database, "execute", interrupted)
            with closing(open_store(place)) as store:
                claimed(store)
        return not any(one.startswith("BEGIN") for one in asked[: number + 1])

    number = next(number for number in range(20) if not questions_before_it_writes(number))
    assert number >= 1


@IN_A_FILE
def test_a_store_that_is_deleted_under_a_run_is_an_error_before_anything_is_sent(location: str, store: Store) -> None:
    attempt = claimed(store)
    Path(location).unlink()
    with pytest.raises(StoreError):
        store.mark_sent(A.key, attempt, NO_DIGEST)
