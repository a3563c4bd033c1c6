# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo's standard batch import: what makes two batches the same, and what answers mean where little is documented."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    BadInput,
    ImportsError,
    NotSent,
    OutcomeUnknown,
    Refused,
    Wanted,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.batch import Batch, DataFile, wanted_batch
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.standard import (
    StandardApi,
    StandardBatches,
    check_kind,
    where_to_look,
)

from .scripted import (
    AWAY,
    BASE,
    BATCH,
    BEGUN,
    BROKEN,
    DIGEST,
    KEY,
    LOST,
    NOT_FOUND,
    NOT_UPLOADING,
    OTHER,
    SCHEDULED,
    SERVER,
    TRIED,
    UPLOADED,
    Run,
    ScriptedClient,
    answer,
    no,
)

KIND = "example-standard-api"
WORDS = no("This import has been submitted.")
PAGE = answer("<h1>Error</h1>", content_type="text/html")


def wanted(content: Content, kind: str | None = KIND, **changes: Any) -> Wanted:
    files = (DataFile("people", content, UPLOADED.text),)
    batch = Batch(None if kind else DIGEST, None, files, kind=kind, **changes)
    return wanted_batch(SERVER, "source", batch, where=where_to_look)


def run_of(content: Content, client: ScriptedClient, notes: Mapping[str, Any] | None = None) -> Run:
    client.may_schedule_again = False
    return Run(lambda one: StandardBatches(one, SERVER, StandardApi(one, BASE)), wanted(content), client, notes)


def test_the_digest_of_a_batch_is_over_its_kind_and_the_digests_of_its_files(content: Content) -> None:
    text = f'{{"files":{{"people":"{UPLOADED.text}"}},"kind":"{KIND}"}}'

    assert wanted(content).content_sha256 == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("other", [{"kind": "another"}, {"kind": None}, {"dry_run": True}, {"feed": "people"}])
def test_another_kind_and_batch_import_are_other_imports_in_other_feeds(
    content: Content, other: dict[str, Any]
) -> None:
    assert wanted(content, **other).key != wanted(content).key
    assert wanted(content, **other).stream != wanted(content).stream


def test_a_comment_makes_no_other_import(content: Content) -> None:
    assert wanted(content, comment="x") == wanted(content)


@pytest.mark.parametrize("kind", ["", " ", "a\nb", "example-standard-api\n", "a\tb", "a\0", "\ud800"])
def test_what_is_no_kind_is_reported(kind: str) -> None:
    with pytest.raises(BadInput, match=r"^kind "):
        check_kind(kind)


def test_each_step_is_noted_before_the_next_one(content: Content) -> None:
    run = run_of(content, ScriptedClient(batch=[answer(BATCH)], file=[UPLOADED], schedule=[SCHEDULED]))
    accepted = run()
    assert run.client.sent[0] == ("batch", f"kind={KIND}")
    assert run.client.steps == ["batch", "file", "schedule"]
    assert run.attempt.history == [{"batch": BATCH, "files": []}, BEGUN, TRIED]
    assert run.attempt.commits == [run.wanted.content_sha256]
    assert (accepted.remote_id, accepted.state, accepted.server) == (BATCH, "scheduled", "SCHEDULED")
    assert accepted.is_new
    assert accepted.message.endswith(f"Standard Batch APIs > Standard Batch API jobs: batch {BATCH}")


# What scheduling ends with, after which it is scheduled for certain, for certain not, or not certain.
@pytest.mark.parametrize(
    ("ending", "notes", "expected", "is_new"),
    [
        pytest.param(LOST, BEGUN, OutcomeUnknown, True, id="the answer lost"),
        pytest.param(BROKEN, BEGUN, OutcomeUnknown, True, id="an answer that does not tell"),
        pytest.param(PAGE, BEGUN, OutcomeUnknown, True, id="a page"),
        pytest.param(
            answer("SCHEDULED", content_type="text/html"), BEGUN, OutcomeUnknown, True, id="not as plain text"
        ),
        pytest.param(answer("SCHEDULED\n"), BEGUN, OutcomeUnknown, True, id="more than the word"),
        pytest.param(KEY, BEGUN, Refused, None, id="a key refused"),
        pytest.param(WORDS, BEGUN, Refused, None, id="a refusal in other words"),
        pytest.param(AWAY, BEGUN, NotSent, None, id="nobody there"),
        pytest.param(NOT_UPLOADING, BEGUN, None, True, id="done by this request, as a proxy repeated it"),
        pytest.param(LOST, TRIED, OutcomeUnknown, True, id="the answer lost again"),
        pytest.param(BROKEN, TRIED, OutcomeUnknown, True, id="an answer that does not tell after an earlier attempt"),
        pytest.param(KEY, TRIED, OutcomeUnknown, False, id="a key refused after an earlier attempt"),
        pytest.param(WORDS, TRIED, OutcomeUnknown, False, id="a refusal in other words after an earlier attempt"),
        pytest.param(NOT_FOUND, TRIED, OutcomeUnknown, False, id="not there any more after an earlier attempt"),
        pytest.param(AWAY, TRIED, OutcomeUnknown, False, id="nobody there after an earlier attempt"),
        pytest.param(NOT_UPLOADING, TRIED, None, False, id="done by the earlier attempt"),
        pytest.param(SCHEDULED, TRIED, None, True, id="not done by the earlier attempt"),
    ],
)
def test_it_is_scheduled_once_and_what_is_not_certain_is_not_called_a_failure(
    content: Content, ending: Any, notes: Mapping[str, Any], expected: type[ImportsError] | None, is_new: bool | None
) -> None:
    run = run_of(content, ScriptedClient(schedule=[ending]), notes)
    if expected is None:
        accepted = run()
        assert (accepted.state, accepted.remote_id, accepted.is_new) == ("scheduled", BATCH, is_new)
    else:
        with pytest.raises(expected) as raised:
            run()
        assert isinstance(raised.value, OutcomeUnknown) == (is_new is not None)
        if isinstance(raised.value, OutcomeUnknown):
            assert raised.value.is_new == is_new
            assert where_to_look(run.attempt.notes).startswith(f"Look for batch {BATCH} in Tools > Data import > ")
    assert run.client.steps == ["schedule"]
    assert ("scheduling" in run.attempt.notes) == (expected in (OutcomeUnknown, None))


@pytest.mark.parametrize("refusal", [NOT_FOUND, WORDS])
def test_a_batch_that_takes_no_files_any_more_is_begun_anew(content: Content, refusal: Refused) -> None:
    script = ScriptedClient(batch=[answer(OTHER)], file=[refusal, UPLOADED], schedule=[SCHEDULED])
    run = run_of(content, script, {"batch": BATCH, "files": []})
    assert run().remote_id == OTHER
    assert run.client.steps == ["file", "batch", "file", "schedule"]


def test_a_batch_that_is_gone_when_it_is_scheduled_for_the_first_time_is_begun_anew(content: Content) -> None:
    run = run_of(
        content, ScriptedClient(batch=[answer(OTHER)], file=[UPLOADED], schedule=[NOT_FOUND, SCHEDULED]), BEGUN
    )
    assert run().remote_id == OTHER
    assert len(run.attempt.commits) == 1


@pytest.mark.parametrize("text", [BATCH, BATCH[:16], BATCH * 2, "0b9d34a2-5c52-4e8d-9d0e-000000000001", "5a" * 32])
def test_an_identifier_is_one_word_of_some_length(content: Content, text: str) -> None:
    run = run_of(content, ScriptedClient(batch=[answer(text)], file=[UPLOADED], schedule=[SCHEDULED]))
    assert run().remote_id == text


@pytest.mark.parametrize(
    "twist",
    [
        *map(answer, ("", "OK", "SCHEDULED", "a" * 129, f"{BATCH}\n", f"{BATCH} {BATCH}", "Service is unavailable")),
        answer(BATCH, content_type="text/html"),
        answer(BATCH, content_type=""),
        answer(BATCH, status=201),
        PAGE,
    ],
)
def test_what_is_no_identifier_is_reported_with_a_question_for_the_kind(content: Content, twist: Any) -> None:
    run = run_of(content, ScriptedClient(batch=[twist]))
    with pytest.raises(NotSent, match=r"not how Haplo answers.*was not scheduled"):
        run()
    assert run.attempt.history == []
