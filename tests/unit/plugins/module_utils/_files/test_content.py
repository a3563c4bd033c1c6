# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as contents of imports: which can be, up to where, and when they have to be read again."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace as with_changes
from pathlib import Path
from types import SimpleNamespace
from typing import Callable

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._files import content as _content
from ansible_collections.assetops.imports.plugins.module_utils._files.content import (
    BLOCK,
    Content,
    Fingerprint,
    Interrupted,
    digests_of,
    digests_or_errors,
    open_contents,
)

from ..nobody import unprivileged
from ..other_run import eventually

TEXT = b'10:00:00 (vendord) OUT: "feature" user@host\n'


class Memory:
    """Digests remembered as in a store, and what was asked to be remembered."""

    def __init__(self) -> None:
        self.digests: dict[Fingerprint, str] = {}

    def recall_digests(self, fingerprints: list[Fingerprint]) -> Mapping[Fingerprint, str]:
        return {one: self.digests[one] for one in fingerprints if one in self.digests}

    def remember_digests(self, digests: Mapping[Fingerprint, str]) -> None:
        self.digests.update(digests)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def content_of(path: Path) -> Content:
    (content,) = open_contents([str(path)])
    return content


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "debug.log"
    path.write_bytes(TEXT)
    return path


@pytest.fixture
def _a_minute_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a minute have passed since the files of the test were changed."""
    monkeypatch.setattr(_content, "time", SimpleNamespace(time=lambda: time.time() + 60))


# Which files


def test_a_file_is_known_by_name_size_and_path(log: Path) -> None:
    content = content_of(log)
    assert (content.name, content.size, content.path, content.source) == ("debug.log", len(TEXT), str(log), str(log))
    assert b"".join(content.blocks()) == TEXT


def test_files_come_in_the_order_given(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "cab"]
    for path in paths:
        path.write_bytes(path.name.encode())
    assert [content.name for content in open_contents([str(path) for path in paths])] == ["c", "a", "b"]


def test_a_link_is_what_it_points_to_by_its_own_name(log: Path, tmp_path: Path) -> None:
    link = tmp_path / "today.log"
    link.symlink_to(log)
    assert content_of(link).name == "today.log"
    assert content_of(link).fingerprint == content_of(log).fingerprint


def test_every_file_that_cannot_be_imported_is_named_with_the_reason(log: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    os.mkfifo(tmp_path / "fifo")
    reasons = {
        "missing": "No such file or directory",
        "folder": "not a regular file",
        "empty": "the file is empty",
        "dangling": "No such file or directory",
        "circle": "Too many levels of symbolic links",
        "fifo": "not a regular file",
        "nul\0byte": "null",
        "x" * 300: "File name too long",
        "debug.log/below": "Not a directory",
    }
    with pytest.raises(BadInput) as raised:
        open_contents([str(log), *(str(tmp_path / name) for name in reasons)])
    assert raised.value.message.startswith("src cannot be imported, nothing was sent: ")
    for name, reason in reasons.items():
        assert name in raised.value.message
        assert reason in raised.value.message
    assert f"{log}:" not in raised.value.message


def test_a_device_is_no_file() -> None:
    with pytest.raises(BadInput, match="/dev/null: not a regular file"):
        open_contents(["/dev/null"])


def test_a_file_that_may_not_be_read_is_found_before_anything_is_sent() -> None:
    with unprivileged() as folder:
        path = folder / "secret.log"
        path.write_bytes(TEXT)
        path.chmod(0)
        with pytest.raises(BadInput, match=r"secret\.log: Permission denied"):
            content_of(path)


def test_a_file_whose_name_is_not_utf8_can_be_written_about(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/debug-\xff.log"))
    path.write_bytes(TEXT)
    content = content_of(path)
    assert content.source.encode("utf-8").endswith(b"debug-\\xff.log")
    assert content.fingerprint.path.encode("utf-8").endswith(b"debug-\\xff.log")
    assert digests_of([content], Memory()) == [sha256(TEXT)]
    path.unlink()
    with pytest.raises(BadInput) as missing:
        content_of(path)
    with pytest.raises(Interrupted) as removed:
        list(content.blocks())
    for error in (missing, removed):
        assert b"debug-" in error.value.message.encode("utf-8")


# Files that change


def growing(path: Path) -> Content:
    return with_changes(content_of(path), may_grow=True)


def test_a_file_that_may_grow_is_taken_up_to_the_size_it_had(log: Path) -> None:
    content = growing(log)
    append(log)
    assert b"".join(content.blocks()) == TEXT
    content.check()


def test_a_file_that_may_grow_is_taken_up_to_the_size_it_had_while_it_is_written_and_rotated(tmp_path: Path) -> None:
    log = tmp_path / "debug.log"
    log.write_bytes(b"x" * (2 * BLOCK + 1))
    read = []
    for block in growing(log).blocks():
        read.append(block)
        log.rename(tmp_path / "debug.log.1")
        append(tmp_path / "debug.log.1")
        log.write_bytes(b"new")
    assert b"".join(read) == b"x" * (2 * BLOCK + 1)


@pytest.mark.parametrize("may_grow", [True, False])
@pytest.mark.parametrize("is_begun", [True, False])
def test_a_file_that_shrinks_breaks_off(tmp_path: Path, *, may_grow: bool, is_begun: bool) -> None:
    log = tmp_path / "debug.log"
    log.write_bytes(b"x" * (3 * BLOCK))
    blocks = with_changes(content_of(log), may_grow=may_grow).blocks()
    if is_begun:
        next(blocks)
    os.truncate(log, 2 * BLOCK)
    with pytest.raises(Interrupted, match=r"debug\.log became shorter"):
        list(blocks)


@pytest.mark.parametrize("change", ["append", "touch", "rewrite"])
@pytest.mark.parametrize("moment", ["before", "while"])
def test_a_file_that_is_written_to_breaks_off_before_its_last_block(tmp_path: Path, change: str, moment: str) -> None:
    log = tmp_path / "debug.log"
    log.write_bytes(b"x" * (3 * BLOCK))
    content = content_of(log)
    blocks = content.blocks()
    read = [next(blocks)] if moment == "while" else []
    changes: dict[str, Callable[[Path], None]] = {"append": append, "touch": touch, "rewrite": change_in_place_later}
    changes[change](log)
    with pytest.raises(Interrupted, match=r"debug\.log is still being written: .* Import it when it is at rest\."):
        read.extend(blocks)
    assert len(read) == {"before": 0, "while": 2}[moment]
    with pytest.raises(Interrupted, match="is still being written"):
        content.check()


def test_what_changes_no_content_does_not_break_off(tmp_path: Path) -> None:
    log = tmp_path / "debug.log"
    log.write_bytes(b"x" * (2 * BLOCK))
    content = content_of(log)
    blocks = content.blocks()
    next(blocks)
    os.link(log, tmp_path / "another name")
    log.chmod(0o600)
    assert len([*blocks]) == 1
    content.check()


def test_a_name_that_a_rotation_gives_to_another_file_breaks_off(tmp_path: Path) -> None:
    """What has the name now may be more of the same log, as where a copy of it is made anew."""
    log = tmp_path / "debug.log"
    log.write_bytes(b"x" * (2 * BLOCK))
    blocks = content_of(log).blocks()
    next(blocks)
    log.rename(tmp_path / "debug.log.1")
    with pytest.raises(Interrupted, match=r"debug\.log could not be read: No such file"):
        list(blocks)
    log.write_bytes(b"x" * (3 * BLOCK))
    blocks = content_of(tmp_path / "debug.log.1").blocks()
    next(blocks)
    log.replace(tmp_path / "debug.log.1")
    with pytest.raises(Interrupted, match=r"debug\.log\.1 became another file"):
        list(blocks)


@pytest.mark.parametrize("how", ["removed", "a folder now"])
def test_a_file_that_is_gone_breaks_off(log: Path, how: str) -> None:
    content = content_of(log)
    log.unlink()
    if how == "a folder now":
        log.mkdir()
    with pytest.raises(Interrupted, match=r"debug\.log could not be read: (No such file|Is a directory)"):
        list(content.blocks())


def test_a_file_whose_name_is_another_files_by_now_breaks_off(log: Path) -> None:
    content = content_of(log)
    log.rename(log.with_name("debug.log.1"))
    log.write_bytes(b"another log, which is longer " * 1000)
    with pytest.raises(Interrupted, match=r"debug\.log became another file"):
        list(content.blocks())


@pytest.mark.usefixtures("_a_minute_later")
def test_a_file_that_changes_before_its_digest_is_reckoned_has_none_and_others_have(tmp_path: Path) -> None:
    changes: dict[str, Callable[[Path], object]] = {
        "shorter": lambda log: log.write_bytes(b"x"),
        "longer": append,
        "gone": Path.unlink,
        "same": Path.stat,
    }
    logs = {name: tmp_path / name for name in changes}
    for log in logs.values():
        log.write_bytes(TEXT)
    contents = open_contents([str(log) for log in logs.values()])
    for name, change in changes.items():
        change(logs[name])

    memory = Memory()
    *obstacles, digest = digests_or_errors(contents, memory)

    assert digest == sha256(TEXT)
    assert [*memory.digests] == [contents[-1].fingerprint]
    reasons = ("shorter became shorter", "longer is still being written", "gone could not be read")
    for obstacle, reason in zip(obstacles, reasons):
        assert isinstance(obstacle, Interrupted)
        assert reason in obstacle.message
    with pytest.raises(BadInput, match=r"shorter became .*longer is still .*gone could .*Nothing was sent\."):
        digests_of(contents, Memory())


def test_blocks_are_no_larger_than_a_mebibyte(tmp_path: Path) -> None:
    log = tmp_path / "debug.log"
    log.write_bytes(b"x" * (3 * 1024 * 1024 + 1))
    sizes = [len(block) for block in content_of(log).blocks()]
    assert sum(sizes) == 3 * 1024 * 1024 + 1
    assert max(sizes) <= 1024 * 1024
    assert min(sizes[:-1]) >= 256 * 1024


# Digests


def test_digests_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    for name in "cab":
        (tmp_path / name).write_bytes(name.encode())
    contents = open_contents([str(tmp_path / name) for name in "cabc"])
    assert digests_of(contents, Memory()) == [sha256(name) for name in (b"c", b"a", b"b", b"c")]


def test_a_file_is_known_again_by_all_that_its_file_system_tells(log: Path) -> None:
    status = log.stat()
    times = {"mtime_ns": status.st_mtime_ns, "ctime_ns": status.st_ctime_ns}
    known = Fingerprint(str(log), status.st_size, **times, inode=status.st_ino, device=status.st_dev)
    assert content_of(log).fingerprint == known


@pytest.mark.usefixtures("_a_minute_later")
def test_a_digest_that_is_remembered_is_not_reckoned_again(log: Path) -> None:
    memory = Memory()
    content = content_of(log)
    assert digests_of([content], memory) == [sha256(TEXT)]
    assert memory.digests == {content.fingerprint: sha256(TEXT)}
    log.unlink()
    assert digests_of([content], memory) == [sha256(TEXT)]


@pytest.mark.usefixtures("_a_minute_later")
def test_a_file_without_its_end_has_a_digest_of_its_own(log: Path) -> None:
    memory = Memory()
    whole = content_of(log)
    cut = with_changes(whole, cut=1)

    assert digests_of([whole, cut], memory) == [sha256(TEXT), sha256(TEXT[:-1])]
    assert (cut.size, cut.read_ends(4)) == (len(TEXT) - 1, (TEXT[:4], TEXT[-5:-1]))
    log.unlink()
    assert digests_of([cut, whole], memory) == [sha256(TEXT[:-1]), sha256(TEXT)]


def test_a_file_that_grows_is_no_other_one_without_its_end(log: Path) -> None:
    """What is left out is the end that it had."""
    cut = with_changes(content_of(log), cut=1)
    append(log)
    with pytest.raises(Interrupted, match="it grew"):
        b"".join(cut.blocks())


@pytest.mark.parametrize("times", [None, (1, 1)], ids=["just changed", "claims to be old"])
def test_a_file_that_was_just_changed_is_not_remembered(log: Path, times: tuple[int, int] | None) -> None:
    """Another change could follow in the same tick of the clock, and would not show."""
    if times is not None:
        os.utime(log, times)
    memory = Memory()
    digests_of([content_of(log)], memory)
    assert memory.digests == {}


@pytest.mark.usefixtures("_a_minute_later")
def test_a_file_from_the_future_is_not_remembered(log: Path) -> None:
    os.utime(log, (2**32, 2**32))
    memory = Memory()
    digests_of([content_of(log)], memory)
    assert memory.digests == {}


def append(log: Path) -> None:
    with log.open("ab") as file:
        file.write(b"x")


def change_in_place_later(log: Path) -> None:
    """Write the same number of bytes anew, when the clock of the file system has moved on."""
    size, before = log.stat().st_size, log.stat().st_mtime_ns
    eventually(lambda: log.write_bytes(b"y" * size) > 0 and log.stat().st_mtime_ns != before)


def touch(log: Path) -> None:
    os.utime(log, ns=(1, log.stat().st_mtime_ns + 1))


def change_in_place(log: Path) -> None:
    """Write other bytes of the same length, and set the time of change back."""
    before = log.stat()
    eventually(lambda: log.write_bytes(TEXT.upper()) > 0 and log.stat().st_ctime_ns != before.st_ctime_ns)
    os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(log: Path) -> None:
    """Put another file in its place with the same length and time of change."""
    other = log.with_name("other")
    shutil.copy2(log, other)
    other.write_bytes(TEXT.upper())
    os.utime(other, ns=(1, log.stat().st_mtime_ns))
    other.replace(log)


@pytest.mark.parametrize("change", [append, touch, change_in_place, replace])
@pytest.mark.usefixtures("_a_minute_later")
def test_a_file_that_changed_in_any_way_is_read_again(log: Path, change: Callable[[Path], None]) -> None:
    memory = Memory()
    digests_of([content_of(log)], memory)
    change(log)
    assert digests_of([content_of(log)], memory) == [sha256(log.read_bytes())]
    assert len(memory.digests) == 2


@pytest.mark.usefixtures("_a_minute_later")
def test_only_files_that_are_not_remembered_are_read(log: Path, tmp_path: Path) -> None:
    memory = Memory()
    other = tmp_path / "other.log"
    other.write_bytes(b"other")
    known, new = content_of(log), content_of(other)
    digests_of([known], memory)
    log.unlink()
    assert digests_of([known, new], memory) == [sha256(TEXT), sha256(b"other")]
