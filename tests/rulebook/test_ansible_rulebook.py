# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source in the real ansible-rulebook, started by `make test-eda`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Wanted, now_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from ..stores import KINDS, new_store
from ..tools.eda import FOLDER

EVENT = re.compile(r"^EVENT (\w+) (\w+)$", re.MULTILINE)


PATIENCE = 180.0  # seconds; a Java runtime starts slowly on a busy machine


def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until something is so, which another process brings about."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)


@pytest.fixture(params=KINDS)
def location(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    return new_store(request.param, tmp_path, request)


@pytest.fixture
def store(location: str) -> Iterator[Store]:
    with closing(open_store(location)) as store:
        yield store


def ended(store: Store, name: str, state: str) -> None:
    one = Wanted(f"key of {name}", "licstat", "https://ls.example.com license server 1", "feed", name, 3, None, {})
    attempt = store.claim(one, None, now_text(), label="site")
    assert attempt is not None
    assert store.mark_sent(one.key, attempt, None)
    store.record(one.key, attempt, state, f"it {state}", remote_id="7", detail={})


class Engine:
    """ansible-rulebook with a rulebook, and all that it said."""

    def __init__(self, folder: Path, rulebook: str, *arguments: str, **environment: str) -> None:
        self.output = folder / "output"
        self._said_before = len(self.said())
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [FOLDER / "venv/bin/ansible-rulebook", "--rulebook", rulebook, "--inventory", "localhost,", *arguments],
                stdout=output,
                stderr=output,
                env={
                    **os.environ,
                    "PATH": f"{FOLDER / 'venv/bin'}:{os.environ['PATH']}",
                    "HOME": str(folder),
                    "ANSIBLE_HOME": str(folder / ".ansible"),
                    "ANSIBLE_COLLECTIONS_PATH": str(FOLDER / "collections"),
                    **environment,
                },
                cwd=folder,
            )

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_error: object) -> None:
        self.end(signal.SIGKILL)

    def said(self) -> str:
        """What this one said, and not one before."""
        text = self.output.read_text(encoding="utf-8") if self.output.exists() else ""
        return text[getattr(self, "_said_before", 0) :]

    def events(self) -> list[tuple[Any, ...]]:
        return EVENT.findall(self.said())

    def has_told(self, *names: str) -> bool:
        assert self.process.poll() is None, self.said()
        return [name for name, _state in self.events()] == list(names)

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.communicate()


def rulebook(folder: Path, location: str, **options: Any) -> str:
    """One that prints every event of a source with these options."""
    source = {"receipts": location, "cursor": str(folder / "cursor.json"), "interval": 1, **options}
    message = "EVENT {{ event.import.source }} {{ event.import.state }}"
    content = {
        "name": "Everything",
        "hosts": "all",
        "sources": [{"name": "imports", "assetops.imports.imports": source}],
        "rules": [
            {"name": "Tell", "condition": "event.import.key is defined", "action": {"debug": {"msg": message}}},
        ],
    }
    path = folder / "rulebook.yml"
    path.write_text(yaml.safe_dump([content]), encoding="utf-8")
    return str(path)


def test_the_rulebook_of_the_collection_tells_what_did_not_end_well(tmp_path: Path) -> None:
    location = str(tmp_path / "receipts.db")
    with Engine(tmp_path, "assetops.imports.imports", ASSETOPS_RECEIPTS=location) as engine:
        eventually((tmp_path / ".ansible/assetops/events.json").exists)
        with closing(open_store(location)) as store:
            for name, state in (("a", "succeeded"), ("b", "failed"), ("c", "unknown"), ("d", "incomplete")):
                ended(store, name, state)
        eventually(lambda: "INCOMPLETE https://ls.example.com" in engine.said())
    told = re.findall(r"^(\w+) https://ls\.example\.com license server 1: (\w)\. it (\w+)", engine.said(), re.MULTILINE)
    assert told == [("FAILED", "b", "failed"), ("UNKNOWN", "c", "unknown"), ("INCOMPLETE", "d", "incomplete")]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_what_ended_while_it_was_down_is_reported_and_the_rest_is_not_reported_again(
    location: str, store: Store, tmp_path: Path, how: signal.Signals
) -> None:
    book = rulebook(tmp_path, location, start="beginning")
    ended(store, "a", "succeeded")
    with Engine(tmp_path, book) as engine:
        eventually(lambda: engine.has_told("a"))
        ended(store, "b", "failed")
        eventually(lambda: engine.has_told("a", "b"))
        eventually(lambda: "key of b" in (tmp_path / "cursor.json").read_text(encoding="utf-8"))
        engine.end(how)
    ended(store, "c", "unknown")
    with Engine(tmp_path, book) as engine:
        eventually(lambda: engine.has_told("c"))


def test_with_persistence_and_feedback_every_event_comes(location: str, store: Store, tmp_path: Path) -> None:
    variables = tmp_path / "variables.yml"
    variables.write_text(f"drools_db_file_path: {tmp_path / 'drools'}\n", encoding="utf-8")
    book = rulebook(tmp_path, location, start="beginning", feedback=True)
    for name in "abc":
        ended(store, name, "succeeded")
    with Engine(tmp_path, book, "--persistence-id", "7", "--vars", str(variables)) as engine:
        eventually(lambda: engine.has_told("a", "b", "c"))
        eventually(lambda: "key of c" in (tmp_path / "cursor.json").read_text(encoding="utf-8"))


def test_a_wrong_option_ends_it_in_words(tmp_path: Path) -> None:
    engine = Engine(tmp_path, rulebook(tmp_path, str(tmp_path / "receipts.db"), interval="soon"))
    engine.process.communicate(timeout=120)
    assert "interval is 'soon', and has to be a number of seconds from 0.1 to 86400." in engine.said()
