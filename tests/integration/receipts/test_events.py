# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source: what it hands over, what it survives, and what it refuses."""

from __future__ import annotations

import ast
import asyncio
import random
import re
import runpy
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Wanted
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from ...postgresql import Server, without_password_file
from ...sandbox.handle import Sandbox
from ...unit.plugins.module_utils.other_run import eventually
from ..support import Licstat, Logs
from .event_source import ROOT, SOURCE, Events
from .past import come_to

RULEBOOK = ROOT / "extensions/eda/rulebooks/imports.yml"
QUICK = 0.2
"""Seconds between two looks."""


def ended(store: Store, name: str, state: str = "succeeded") -> None:
    one = Wanted(f"key of {name}", "licstat", "https://ls.example.com license server 1", "feed", name, 3, None, {})
    come_to(store, one, state, label="site", remote_id="7")


def options_of(folder: Path, location: str, **others: Any) -> dict[str, Any]:
    return {"receipts": location, "cursor": str(folder / "cursor.json"), "interval": QUICK, **others}


# What is handed over


def test_what_a_run_imported_is_an_event_and_what_was_refused_before_it_began_is_none(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    licstat = Licstat(sandbox, tmp_path)
    logs = Logs(tmp_path)
    with Events(**options_of(tmp_path, str(licstat.store), start="beginning")) as events:
        done = licstat(logs("a.log", day=0), label="site")
        event = events.next()
        told, (result,) = event["import"], done["imports"]
        assert {name: told[name] for name in ("state", "target", "key", "remote_id", "source", "size", "period")} == {
            name: result[name] for name in ("state", "target", "key", "remote_id", "source", "size", "period")
        }
        assert (told["system"], told["label"], told["url"]) == ("licstat", "site", f"{sandbox.url}/licstat")
        assert told["duration"] > 0
        assert re.fullmatch(r"[0-9a-f-]{36}", event["meta"]["uuid"])
        assert licstat(logs("b.log", day=1), token="no such token")["failed"]
        assert licstat(logs("c.log", day=2))["changed"]
        assert events.next()["import"]["source"].endswith("c.log")


@pytest.mark.parametrize("location", ["SQLite"], indirect=True)
def test_an_event_that_is_reported_again_has_the_same_id(location: str, store: Store, tmp_path: Path) -> None:
    ended(store, "a", "failed")
    told = []
    for cursor in ("one.json", "another.json"):
        with Events(**options_of(tmp_path, location, cursor=str(tmp_path / cursor), start="beginning")) as events:
            told.append(events.next())
    assert told[0] == told[1]
    assert told[0]["import"]["id"] == "key of a/1/failed"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("location", "with_feedback"), [("SQLite", False), ("PostgreSQL", True)], indirect=["location"]
)
def test_whenever_it_is_killed_nothing_is_lost_and_the_last_event_at_most_is_reported_again(
    location: str, store: Store, tmp_path: Path, with_feedback: bool
) -> None:
    chance = random.Random(7)
    names = [str(number) for number in range(8)]
    told: list[str] = []
    written, kills = 0, 0
    while names[-1] not in told:
        for name in names[written : written + chance.randint(1, 2)]:
            ended(store, name)
            written += 1
        with Events(**options_of(tmp_path, location, start="beginning"), with_feedback=with_feedback) as events:
            for _event in range(chance.randint(1, 3)):
                told.append(events.next_state()[0])
                if told[-1] == names[written - 1]:
                    break
            told += [event["import"]["source"] for event in events.kill()]
            kills += 1
    each_once = [name for name, before in zip(told, [None, *told]) if name != before]
    assert each_once == names
    assert len(told) - len(names) <= kills
    assert kills > 3


# What it survives


def test_a_database_that_is_away_is_waited_for(tmp_path: Path) -> None:
    with Server() as server:
        location = server.new_store()
        open_store(location).close()
        server.stop()
        with Events(**options_of(tmp_path, location, start="beginning")) as events:
            assert re.fullmatch(r"The receipt store .* could not be .* Trying again every 0\.2 s\.", events.warning())
            server.start()
            assert "can be read again" in events.warning()
            with closing(open_store(location)) as store:
                ended(store, "a", "failed")
            assert events.next_state() == ("a", "failed")
            server.stop()
            server.start()
            with closing(open_store(location)) as store:
                ended(store, "b")
            assert events.next_state() == ("b", "succeeded")


def test_a_file_that_is_no_store_for_a_while_is_waited_for(tmp_path: Path) -> None:
    location = tmp_path / "receipts.db"
    location.write_text("no database" * 100, encoding="utf-8")
    with Events(**options_of(tmp_path, str(location))) as events:
        assert re.search(r"could not be opened: file is not a database\.", events.warning())
        location.unlink()
        assert "can be read again" in events.warning()
        with closing(open_store(str(location))) as store:
            ended(store, "a")
        assert events.next_state() == ("a", "succeeded")


@pytest.mark.parametrize("location", ["SQLite"], indirect=True)
def test_a_cursor_that_cannot_be_written_is_reported_and_written_later(
    location: str, store: Store, tmp_path: Path
) -> None:
    cursor = tmp_path / "cursor.json"
    with Events(**options_of(tmp_path, location, start="beginning")) as events:
        ended(store, "a")
        assert events.next_state() == ("a", "succeeded")
        replace_when_written(cursor, "key of a")
        ended(store, "b")
        assert events.next_state() == ("b", "succeeded")
        assert re.search(r"cursor\.json could not be written: Is a directory\..* reported again", events.warning())
        cursor.rmdir()
        ended(store, "c")
        assert events.next_state() == ("c", "succeeded")
        eventually(lambda: cursor.exists() and "key of c" in cursor.read_text(encoding="utf-8"))


def replace_when_written(cursor: Path, text: str) -> None:
    """Put a folder in a cursor's place once it tells of this."""
    eventually(lambda: cursor.exists() and text in cursor.read_text(encoding="utf-8"))
    cursor.unlink()
    cursor.mkdir()


def test_one_that_is_cancelled_can_be_started_again_in_the_same_process(
    location: str, store: Store, tmp_path: Path
) -> None:
    """As ansible-rulebook does where a rulebook changed."""
    main = runpy.run_path(str(SOURCE))["main"]

    async def told_until_cancelled() -> Any:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        task = asyncio.create_task(main(queue, options_of(tmp_path, location, start="beginning")))
        event = await queue.get()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return event["import"]["source"]

    for name in "ab":
        ended(store, name)
        assert asyncio.run(told_until_cancelled()) == name


# Where its collection is


def installed(folder: Path) -> Path:
    """The source in a collection that is installed somewhere."""
    place = folder / "collections/ansible_collections/assetops/imports"
    place.parent.mkdir(parents=True)
    place.symlink_to(ROOT, target_is_directory=True)
    return place / SOURCE.relative_to(ROOT)


WITHOUT_SITE = (sys.executable, "-S")  # where nothing of the collection is, nor of Ansible


def test_it_finds_its_collection_where_there_are_others_elsewhere(tmp_path: Path) -> None:
    """The package of many collections is no namespace, and hides what is on the path behind it."""
    others = tmp_path / "others"
    (others / "ansible_collections").mkdir(parents=True)
    (others / "ansible_collections/__init__.py").touch()
    location = tmp_path / "receipts.db"
    with closing(open_store(str(location))) as store:
        ended(store, "a")
    options = options_of(tmp_path, str(location), start="beginning")
    source, environment = installed(tmp_path), {"PYTHONPATH": str(others)}
    with Events(**options, source=source, python=WITHOUT_SITE, environment=environment) as events:
        assert events.next_state() == ("a", "succeeded")


def test_a_copy_of_it_elsewhere_says_what_it_takes(tmp_path: Path) -> None:
    copy = tmp_path / "imports.py"
    copy.write_bytes(SOURCE.read_bytes())
    with Events(**options_of(tmp_path, "/receipts.db"), source=copy, python=WITHOUT_SITE) as events:
        assert "Install it, and name this source assetops.imports.imports." in events.refusal()


# What it refuses


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"recepits": "x"}, "recepits is not an option. The options are: receipts, receipts_password, cursor, start,"),
        ({"receipts": "none"}, "receipts: none keeps no receipts, so there is nothing to report."),
        ({"receipts": "relative.db"}, "receipts 'relative.db' is neither an absolute path"),
        ({"receipts": "postgresql://me:secret-1@127.0.0.1:1/db"}, "receipts is a URL with a password in it."),
        ({"receipts_password": "secret-1"}, "receipts_password is of no use"),
        ({"receipts_password": ["secret-1"]}, "receipts_password is a list, and has to be a string."),
        ({"cursor": "relative.json"}, "cursor 'relative.json' is neither an absolute path"),
        ({"cursor": "/dev/null/cursor.json"}, "The cursor /dev/null/cursor.json cannot be written: "),
        ({"start": "tomorrow"}, "start is 'tomorrow', and has to be one of: now, beginning."),
        ({"interval": "soon"}, "interval is 'soon', and has to be a number of seconds from 0.1 to 86400."),
        ({"interval": 0}, "interval is 0, and has to be a number"),
        ({"interval": True}, "interval is True, and has to be a number"),
        ({"interval": "nan"}, "interval is 'nan', and has to be a number"),
    ],
)
def test_what_cannot_be_is_refused_in_words(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    main = runpy.run_path(str(SOURCE))["main"]
    with pytest.raises(Exception) as refused:  # noqa: PT011  # the source is a module of its own
        asyncio.run(main(asyncio.Queue(), {**options_of(tmp_path, str(tmp_path / "receipts.db")), **options}))
    assert isinstance(refused.value, BadInput)
    assert words in str(refused.value)
    assert "secret-1" not in str(refused.value)
    assert not (tmp_path / "receipts.db").exists()


def test_a_number_may_come_as_a_text_and_the_engine_may_add_options(tmp_path: Path) -> None:
    options = options_of(tmp_path, str(tmp_path / "receipts.db"), interval="0.2", eda_new=1)
    with Events(**options):
        eventually((tmp_path / "cursor.json").exists)


def test_a_cursor_is_of_one_source(tmp_path: Path) -> None:
    options = options_of(tmp_path, str(tmp_path / "receipts.db"))
    with Events(**options):
        eventually((tmp_path / "cursor.json").exists)
        with Events(**options) as second:
            assert re.search(r"Another source uses the cursor .*cursor\.json\. Give each", second.refusal())


def test_a_wrong_password_is_reported_without_it(postgresql: Server, tmp_path: Path) -> None:
    location = without_password_file(postgresql.new_store())
    with Events(**options_of(tmp_path, location, receipts_password="secret-canary-7")) as events:
        warning = events.warning()
        assert "password authentication failed" in warning
        assert "secret-canary-7" not in warning


# What it says of itself


def documented() -> tuple[dict[str, Any], list[Any]]:
    found = {}
    for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found[ast.unparse(node.targets[0])] = yaml.safe_load(node.value.value)
    return found["DOCUMENTATION"], found["EXAMPLES"]


def test_its_documentation_tells_its_options() -> None:
    source = runpy.run_path(str(SOURCE))
    documentation, examples = documented()
    options = documentation["options"]
    assert tuple(options) == source["OPTIONS"]
    assert options["receipts"]["default"] == source["DEFAULT_LOCATION"]
    assert options["cursor"]["default"] == source["CURSOR"]
    assert tuple(options["start"]["choices"]) == source["STARTS"]
    for example in examples:
        assert set(example["assetops.imports.imports"]) <= set(options)


@pytest.mark.parametrize("location", ["SQLite"], indirect=True)
def test_the_rulebook_and_the_documentation_name_what_events_hold(location: str, store: Store, tmp_path: Path) -> None:
    ended(store, "a")
    with Events(**options_of(tmp_path, location, start="beginning")) as events:
        event = events.next()["import"]
    named = set(re.findall(r"event\.import\.(\w+)", RULEBOOK.read_text(encoding="utf-8")))
    assert "state" in named
    assert named <= set(event)
    guide = (ROOT / "docs/docsite/rst/events.rst").read_text(encoding="utf-8")
    table = re.findall(r"^   \* - ``(\w+)``$", guide, re.MULTILINE)
    assert set(event) <= set(table)


def test_it_uses_the_receipts_and_nothing_above_them() -> None:
    names = set(re.findall(r"^from ansible_collections\S+module_utils\.(\w+)", SOURCE.read_text(), re.MULTILINE))
    assert names == {"_common", "_receipts"}
