# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifecycle Manager: what the answers to the calls mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, OutcomeUnknown, Refused
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._http.client import TRIES
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.answers import counts_of
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.library import Library
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.link import link_to
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.system import LifecycleManager

from .setting import FUNCTION, GENERIC, RUN, Setting, Talk, answer, bad_row, count, library, submit, taken


@pytest.mark.parametrize("name", ["runid", "run-id", "runId"])
def test_the_id_of_the_run_is_found_by_any_of_its_names(name: str, content: Content) -> None:
    accepted = submit(Setting(taking=answer({name: RUN, "parsingErrorsExist": False})), content)
    assert (accepted.remote_id, accepted.state, accepted.message) == (RUN, "submitted", "")


@pytest.mark.parametrize("content_type", ["application/json", "text/html;charset=UTF-8", "text/plain", ""])
def test_json_is_json_whatever_it_is_called(content_type: str, content: Content) -> None:
    text = json.dumps({"runid": RUN, "parsingErrorsExist": False})
    assert submit(Setting(taking=answer(text, content_type=content_type)), content).remote_id == RUN


@pytest.mark.parametrize(
    "body",
    [
        *({}, [], None, {"runid": ""}, {"runid": " "}, {"runid": 17}, {"runid": None}, {"RUNID": RUN}, [RUN]),
        *("", "OK", RUN, '{"runid": "import', "<html><title>Welcome</title></html>"),
    ],
)
def test_an_answer_that_names_no_run_is_unclear(body: Any, content: Content) -> None:
    with pytest.raises(OutcomeUnknown):
        submit(Setting(taking=answer(body)), content)


def test_a_server_error_in_plain_text_is_a_refusal_as_documented(content: Content) -> None:
    for content_type in ("text/plain", "text/plain;charset=UTF-8", ""):
        lost = OutcomeUnknown("HTTP 500: the disk is full.", answer("the disk is full", 500, content_type))
        with pytest.raises(Refused, match="the disk is full"):
            submit(Setting(taking=lost), content)


@pytest.mark.parametrize(
    "lost",
    [
        answer("<html>Oops</html>", 500, "text/html"),
        answer("Oops", 500, "text/html"),
        answer("<html>Oops</html>", 500, "text/plain"),
        answer("", 500, "text/plain"),
        answer({"error": "Oops"}, 500),
        answer("Bad gateway", 502, "text/plain"),
        answer("Busy", 503, "text/plain"),
        *[answer(words, 500, "text/plain") for words in GENERIC],
        None,
    ],
)
def test_any_other_server_error_is_unclear(lost: Answer | None, content: Content) -> None:
    with pytest.raises(OutcomeUnknown, match="lost"):
        submit(Setting(taking=OutcomeUnknown("lost", lost)), content)


def test_what_the_server_repeats_of_a_link_is_not_repeated(content: Content) -> None:
    link = link_to("http://jdoe:hunter22@acme.com/a.zip?token=hunter33&year=2016&any=import", None)
    row = bad_row(resultMessage="see http://jdoe:hunter22@acme.com/a.zip?token=hunter33")
    setting = Setting(secrets=link.secrets, taking=taken(RUN, row, errors=True))
    accepted = submit(setting, link)
    assert "hunter" not in json.dumps([accepted.message, accepted.server, accepted.notes])
    assert accepted.remote_id == RUN  # though "2016" and "import" stand in the query
    words = answer("cannot fetch ?token=hunter33", 500, "text/plain")
    for error in (OutcomeUnknown("HTTP 500: hunter22", words), Refused("HTTP 400: hunter22", words)):
        setting = Setting(secrets=link.secrets, taking=error)
        with pytest.raises(Refused) as raised:
            submit(setting, link)
        assert raised.value.answer is not None
        shown = setting.talk.secrets.redact(raised.value.message + raised.value.answer.text)
        assert "hunter" not in shown


def test_a_question_of_an_information_module_is_tried_several_times() -> None:
    tries = []

    class Counting(Talk):
        def ask(self, method: str, path: str, query: Any = None, **more: Any) -> Answer:
            tries.append(more["tries"])
            return super().ask(method, path, query)

    one = Library(Counting(getimportstatus=count(0), getlibrarystatus=library()), FUNCTION)
    one.run_status(RUN)
    one.status()
    LifecycleManager(one).poll(RUN, {})
    assert tries == [TRIES, TRIES, 1, 1]


def test_counts_are_numbers_or_nothing() -> None:
    status = {"catalogAssets": 11, "publishedAssets": "11", "projects": True, "users": None, "activeRequests": 0}
    assert counts_of(status) == {
        "catalog_assets": 11,
        "published_assets": None,
        "projects": None,
        "users": None,
        "active_requests": 0,
        "pending_events": None,
    }
