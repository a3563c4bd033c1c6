# SPDX-License-Identifier: GPL-3.0-or-later
"""Batch import into Haplo: which steps are taken, and what answers to them mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    ImportsError,
    NotSent,
    OutcomeUnknown,
    Refused,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.api import Api
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.batch import Batch, DataFile, wanted_batch
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.system import HaploBatches

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


def run_of(content: Content, client: ScriptedClient, notes: Mapping[str, Any] | None = None) -> Run:
    batch = Batch(DIGEST, None, (DataFile("people", content, UPLOADED.text),))
    wanted = wanted_batch(SERVER, "source", batch)
    return Run(lambda one: HaploBatches(one, SERVER, Api(one, BASE)), wanted, client, notes)


def test_each_step_is_noted_before_the_next_one(content: Content) -> None:
    run = run_of(content, ScriptedClient(batch=[answer(BATCH)], file=[UPLOADED], schedule=[SCHEDULED]))
    accepted = run()
    assert run.client.steps == ["batch", "file", "schedule"]
    assert run.attempt.history == [{"batch": BATCH, "files": []}, BEGUN, TRIED]
    assert run.attempt.commits == [run.wanted.content_sha256]
    assert (accepted.remote_id, accepted.state, accepted.server) == (BATCH, "scheduled", "SCHEDULED")
    assert accepted.is_new
    assert f"begins with {BATCH[:10]}: {SERVER}/do/haplo-data-import-batch/batches" in accepted.message
    assert "Tools > Data import > Batch import > Batch import jobs" in accepted.message


@pytest.mark.parametrize(
    ("notes", "steps"),
    [({"batch": BATCH, "files": []}, ["file", "schedule"]), (BEGUN, ["schedule"]), (TRIED, ["schedule"])],
)
def test_a_later_attempt_goes_on_from_the_notes(content: Content, notes: Mapping[str, Any], steps: list[str]) -> None:
    run = run_of(content, ScriptedClient(file=[UPLOADED], schedule=[SCHEDULED]), notes)
    assert run().is_new
    assert run.client.steps == steps


def test_a_batch_that_an_earlier_attempt_has_scheduled_is_a_success_that_is_not_new(content: Content) -> None:
    run = run_of(content, ScriptedClient(schedule=[NOT_UPLOADING]), TRIED)
    accepted = run()
    assert (accepted.state, accepted.remote_id, accepted.is_new) == ("scheduled", BATCH, False)


def test_a_batch_that_was_scheduled_on_an_earlier_try_of_this_attempt_is_a_new_success(content: Content) -> None:
    run = run_of(content, ScriptedClient(schedule=[BROKEN, NOT_UPLOADING]), BEGUN)
    assert run().is_new


@pytest.mark.parametrize("notes", [{"batch": BATCH, "files": []}, BEGUN, TRIED])
def test_a_batch_that_haplo_knows_no_more_is_begun_anew(content: Content, notes: Mapping[str, Any]) -> None:
    script: dict[str, list[Any]] = {"batch": [answer(OTHER)], "file": [UPLOADED], "schedule": [SCHEDULED]}
    script["file" if notes["files"] == [] else "schedule"].insert(0, NOT_FOUND)
    run = run_of(content, ScriptedClient(**script), notes)
    assert run().remote_id == OTHER
    assert run.client.steps[-3:] == ["batch", "file", "schedule"]
    assert run.attempt.notes == {**TRIED, "batch": OTHER}


def test_a_batch_that_was_just_begun_and_is_not_known_is_refused(content: Content) -> None:
    run = run_of(content, ScriptedClient(batch=[answer(BATCH)], file=[NOT_FOUND]))
    with pytest.raises(Refused):
        run()
    assert run.client.steps == ["batch", "file"]


# Each of these is what scheduling ends with, after which it is scheduled for certain, for certain not, or not certain.
@pytest.mark.parametrize(
    ("endings", "notes", "tries", "expected"),
    [
        pytest.param([LOST], BEGUN, 4, OutcomeUnknown, id="answers lost"),
        pytest.param([BROKEN, BROKEN, BROKEN], BEGUN, 1, OutcomeUnknown, id="answers that do not tell"),
        pytest.param([BROKEN, LOST], BEGUN, 1, OutcomeUnknown, id="an answer that does not tell, then none"),
        pytest.param([KEY], BEGUN, 1, Refused, id="a refusal at once"),
        pytest.param([KEY], BEGUN, 2, OutcomeUnknown, id="a refusal after an answer was lost"),
        pytest.param([BROKEN, KEY], BEGUN, 1, OutcomeUnknown, id="a refusal after an answer that does not tell"),
        pytest.param([AWAY], BEGUN, 1, NotSent, id="nobody there"),
        pytest.param([BROKEN, AWAY], BEGUN, 1, OutcomeUnknown, id="nobody there after an answer that does not tell"),
        pytest.param([NotSent("TLS")], BEGUN, 1, OutcomeUnknown, id="broken off with the request on its way"),
        pytest.param([KEY], TRIED, 1, OutcomeUnknown, id="a refusal after an earlier attempt"),
        pytest.param([AWAY], TRIED, 1, OutcomeUnknown, id="nobody there after an earlier attempt"),
    ],
)
def test_what_is_not_certain_is_not_called_a_failure(
    content: Content, endings: list[Any], notes: Mapping[str, Any], tries: int, expected: type[ImportsError]
) -> None:
    run = run_of(content, ScriptedClient(schedule=list(endings)), notes)
    run.client.tries = tries

    with pytest.raises(expected) as raised:
        run()

    assert run.client.script["schedule"] == []
    assert ("scheduling" in run.attempt.notes) == (expected is OutcomeUnknown)
    if isinstance(raised.value, OutcomeUnknown):
        was_sent_by_this_run = not (notes is TRIED and endings in ([KEY], [AWAY]))
        assert raised.value.is_new == was_sent_by_this_run


@pytest.mark.parametrize("text", ["SCHEDULED\n", "scheduled", "SCHEDULED!", "", "null"])
def test_scheduled_is_only_what_says_exactly_so(content: Content, text: str) -> None:
    run = run_of(content, ScriptedClient(schedule=[answer(text)] * 3), BEGUN)
    with pytest.raises(OutcomeUnknown, match="not how Haplo answers"):
        run()


@pytest.mark.parametrize(
    "twist",
    [
        *map(answer, ("", BATCH[:-1], f"{BATCH}a", f"{BATCH}\n", f"-{BATCH[1:]}", f"{BATCH[1:]}_", f"{BATCH[:-2]}éa")),
        answer(f'"{BATCH}"', content_type="application/json"),
        answer(f"<p>{BATCH}</p>", content_type="text/html"),
        answer(f" {BATCH}", content_type=""),
        answer(BATCH, status=201),
    ],
)
def test_an_identifier_is_only_what_has_its_form(content: Content, twist: Answer) -> None:
    run = run_of(content, ScriptedClient(batch=[twist]))
    with pytest.raises(NotSent, match=r"not how Haplo answers.*was not scheduled"):
        run()
    assert run.attempt.history == []


@pytest.mark.parametrize("content_type", ["text/html", "", "application/octet-stream", "TEXT/PLAIN"])
def test_an_identifier_is_one_whatever_it_is_called(content: Content, content_type: str) -> None:
    def called(text: str) -> list[Answer | ImportsError]:
        return [answer(text, content_type=content_type)]

    script = ScriptedClient(batch=called(BATCH), file=called(UPLOADED.text), schedule=called("SCHEDULED"))
    assert run_of(content, script)().state == "scheduled"


def test_a_digest_is_only_that_of_what_was_sent(content: Content) -> None:
    for other in (DIGEST, UPLOADED.text.upper(), f"{UPLOADED.text}\n"):
        run = run_of(content, ScriptedClient(file=[answer(other)]), {"batch": BATCH, "files": []})

        with pytest.raises(NotSent):
            run()
        assert run.attempt.history == []


def test_a_page_that_permits_nothing_is_about_the_key(content: Content) -> None:
    page = answer("<h1>Error</h1><p>You are not permitted to perform this action.</p>", content_type="text/html")

    for notes in ({}, {"batch": BATCH, "files": []}, BEGUN):
        run = run_of(content, ScriptedClient(batch=[page], file=[page], schedule=[page]), notes)
        with pytest.raises(Refused, match="not in the group") as raised:
            run()
        assert raised.value.credentials
        assert len(run.client.sent) == 1


def test_a_control_file_that_haplo_has_not_is_asked_for_where_only_its_digest_was_given(content: Content) -> None:
    run = run_of(content, ScriptedClient(batch=[no(f"Control file not found: {DIGEST}")]))
    with pytest.raises(Refused, match="Give the control file itself with control"):
        run()
    assert run.client.steps == ["batch"]


def test_what_a_control_file_lacks_is_reported_in_the_words_of_haplo(content: Content) -> None:
    run = run_of(content, ScriptedClient(batch=[no("Invalid control file:\n  Model not implemented: x\n  No y")]))
    with pytest.raises(Refused) as raised:
        run()
    assert raised.value.message.endswith("/step: Haplo finds the control file invalid: Model not implemented: x; No y.")
