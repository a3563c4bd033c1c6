# SPDX-License-Identifier: GPL-3.0-or-later
"""One request and its answer, between the HTTP server and a system: it is logged here, and faults are applied here.

A system's own code is an ordinary Starlette application and knows nothing of either, unless it breaks an exchange
itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .clock import Clock
from .faults import PAUSES, Fault, FaultBook, FaultHits
from .request_log import RequestLog, RequestRecord
from .system import SENDS_DATE
from .wire import half_close, reset, take_end_of_body, transport_of

SMALL_BODY = 64 * 1024
"""A refusal that comes before a body no larger than this (bytes) has been read reads it first and keeps the connection;
with a larger one it closes the connection. Tomcat does so with 2 MiB; that the systems are like it is a guess."""

LINGER = 5.0
"""Real seconds for which the rest of a body is read and discarded where that is done, as nginx does by default."""

Headers = list[tuple[bytes, bytes]]


@dataclass
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: Headers
    body: bytes

    def with_body(self, body: bytes) -> Answer:
        """The same with another body, and the Content-Length to fit."""
        return Answer(self.status, with_header(self.headers, b"content-length", str(len(body)).encode()), body)


class Exchange:
    """A request under way."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        record: RequestRecord,
        fault: Fault | None,
        log: RequestLog,
        faults: FaultBook,
        clock: Clock,
    ) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._record, self._fault, self._log, self._faults = record, fault, log, faults
        self._clock = clock
        self._captured: Answer | None = None
        self._lingers = False
        self._transport = transport_of(scope)
        record.complete = not _announces_body(record.headers)

    async def run(self, system: ASGIApp) -> None:
        """Let the system answer, or the fault."""
        try:
            await self._reach("before_body")
            if self._record.complete:  # since there is no body
                await self._reach("after_body")
            await system(self._scope, self.receive, self.send)
            if self._captured is not None:
                await self._after_work(self._captured)
        except FaultHits as hit:
            await self._apply(hit.fault, None)
        except ClientDisconnect:
            pass

    # The system's side: its receive and send.

    async def receive(self) -> Message:
        """The next piece of the body, noted."""
        message = await self._receive()
        if message["type"] != "http.request":
            end = take_end_of_body(self._scope)
            if end is None:
                return message
            message = {"type": "http.request", "body": end, "more_body": False}
        self._record.body_bytes += len(message.get("body", b""))
        self._record.complete = not message.get("more_body", False)
        self._log.notify()
        if self._fault is not None and self._record.body_bytes >= self._fault.after_bytes:
            await self._reach("during_body")
        if self._record.complete:
            await self._reach("after_body")
        return message

    async def send(self, message: Message) -> None:
        """A piece of the answer, noted; kept back if a fault waits for the work to be done."""
        if message["type"] == "http.response.start":
            await self._read_small_or_awaited_body()
        if self._fault is not None and self._fault.when == "after_work":
            self._capture(message)
            return
        await self._pass_on(message)

    async def _read_small_or_awaited_body(self) -> None:
        """Before a refusal that does not look at the body: see SMALL_BODY; a fault may be waiting for the body, too."""
        small = _content_length(self._record.headers) <= SMALL_BODY
        awaited = self._fault is not None and self._fault.when in ("during_body", "after_body")
        if small or awaited:
            await self._read_on()

    async def _read_on(self) -> None:
        while not self._record.complete:
            if (await self.receive())["type"] != "http.request":
                raise ClientDisconnect

    def _capture(self, message: Message) -> None:
        if self._captured is None:
            self._captured = Answer(message["status"], list(message["headers"]), b"")
        else:
            self._captured.body += message.get("body", b"")

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._record.status = message["status"]
            headers = self._dated(list(message["headers"]))
            if not self._record.complete:
                headers = with_header(headers, b"connection", b"close")
            message = {**message, "headers": headers}
        await self._send(message)

    def _dated(self, headers: Headers) -> Headers:
        """With the time by the sandbox's clock, unless a date is there or the system sends none."""
        if not self._scope["state"].get(SENDS_DATE, True) or any(name.lower() == b"date" for name, _unused in headers):
            return headers
        return with_header(headers, b"date", format_datetime(self._clock.utc(), usegmt=True).encode())

    # The fault's side.

    async def _reach(self, when: str) -> None:
        """A point in the request at which a fault may be due."""
        fault = self._fault
        if fault is None or fault.when != when:
            return
        self._fault = None
        if fault.action not in PAUSES:
            raise FaultHits(fault)
        await self._pause(fault)

    async def _after_work(self, answer: Answer) -> None:
        fault, self._fault = self._fault, None
        if fault is None or fault.action in PAUSES:
            if fault is not None:
                await self._pause(fault)
            await self._answer(answer)
        else:
            await self._apply(fault, answer)

    async def _pause(self, fault: Fault) -> None:
        self._record.fault = fault.label()
        if fault.action == "delay":
            await asyncio.sleep(fault.seconds or 0)
            return
        self._record.held = True
        self._log.notify()
        if fault.action == "stall":
            self._transport.pause_reading()
        await self._let_go(fault.seconds)
        if fault.action == "stall":
            self._transport.resume_reading()
        self._record.held = False

    async def _let_go(self, seconds: float | None) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._faults.wait_for_release(), seconds)

    async def _apply(self, fault: Fault, answer: Answer | None) -> None:
        """Do what the fault does instead of the answer; `answer` is the system's own one, if it was made."""
        self._record.fault = fault.label()
        if fault.seconds is not None and fault.action != "slow_answer":
            await asyncio.sleep(fault.seconds)
        self._lingers = fault.drain
        await _ACTIONS[fault.action](self, fault, answer)

    async def _answer(self, answer: Answer) -> None:
        """Send a whole answer. If the body was not read, close afterwards, at once or after a while (`drain`)."""
        lingers = self._lingers and not self._record.complete
        await self._start(answer)
        await self._send({"type": "http.response.body", "body": answer.body, "more_body": lingers})
        if lingers:
            await self._read_and_discard()
            await self._send({"type": "http.response.body"})

    async def _start(self, answer: Answer) -> None:
        await self._pass_on({"type": "http.response.start", "status": answer.status, "headers": answer.headers})

    async def _read_and_discard(self) -> None:
        """The rest of the body, until it ends, the client goes away or LINGER has passed. The log does not count it."""

        async def discard() -> None:
            while (await self._receive()).get("more_body", False):
                pass

        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(discard(), LINGER)

    async def _end_connection(self, abruptly: bool) -> None:
        """Close what lies beneath, with what was sent so far flushed unless abruptly."""
        if abruptly:
            reset(self._transport)
        else:
            self._transport.close()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _drop(self, fault: Fault, answer: Answer | None) -> None:
        if not fault.reset and half_close(self._transport) and not self._record.complete:
            # Closing with unread data would make the kernel send a reset after all.
            await self._read_and_discard()
        await self._end_connection(abruptly=fault.reset)

    async def _respond(self, fault: Fault, answer: Answer | None) -> None:
        await self._answer(_canned(fault))

    async def _patch(self, fault: Fault, answer: Answer | None) -> None:
        assert answer is not None, "patch is for after_work only"
        content = json.loads(answer.body)
        for path in fault.remove:
            parent, key = _locate(content, path)
            parent.pop(key, None)
        for path, value in fault.set.items():
            parent, key = _locate(content, path)
            parent[key] = value
        await self._answer(answer.with_body(json.dumps(content).encode()))

    async def _truncate(self, fault: Fault, answer: Answer | None) -> None:
        answer = _own_or_canned(fault, answer)
        kept = answer.body[: len(answer.body) // 2 if fault.keep_bytes is None else fault.keep_bytes]
        if fault.chunked:
            answer.headers = [pair for pair in answer.headers if pair[0].lower() != b"content-length"]
        await self._start(answer)
        await self._send({"type": "http.response.body", "body": kept, "more_body": True})
        await self._end_connection(abruptly=False)

    async def _garbage(self, fault: Fault, answer: Answer | None) -> None:
        text = "\x00\x16 this is no HTTP \xff\r\n\r\n" if fault.body is None else fault.body
        self._transport.write(text.encode("latin-1"))
        await self._end_connection(abruptly=False)

    async def _slow_answer(self, fault: Fault, answer: Answer | None) -> None:
        answer = _own_or_canned(fault, answer)
        await self._start(answer)
        for place in range(len(answer.body)):
            await asyncio.sleep(fault.seconds or 0)
            await self._send({"type": "http.response.body", "body": answer.body[place : place + 1], "more_body": True})
        await self._send({"type": "http.response.body"})


_ACTIONS: dict[str, Callable[[Exchange, Fault, Answer | None], Awaitable[None]]] = {
    "status": Exchange._respond,
    "html": Exchange._respond,
    "json": Exchange._respond,
    "redirect": Exchange._respond,
    "patch": Exchange._patch,
    "drop": Exchange._drop,
    "truncate": Exchange._truncate,
    "garbage": Exchange._garbage,
    "slow_answer": Exchange._slow_answer,
}

LOGIN_PAGE = (
    '<!DOCTYPE html><html><head><title>Sign in</title></head><body><form method="post" action="/login">'
    '<input name="user"><input name="password" type="password"><button>Sign in</button></form></body></html>'
)

# action: status, content type and body unless the fault says otherwise
_CANNED = {
    "status": (503, "text/plain; charset=utf-8", "fault\n"),
    "html": (200, "text/html; charset=utf-8", LOGIN_PAGE),
    "json": (200, "application/json", ""),
    "redirect": (302, "text/html; charset=utf-8", "<html><body>Moved</body></html>"),
    "truncate": (200, "application/json", '{"success": true, "msg": null, "data": {"sst": "SCHEDULED"}}'),
    "slow_answer": (200, "application/json", '{"success": true, "msg": null, "data": null}'),
}


def _canned(fault: Fault) -> Answer:
    """The answer that a fault describes."""
    status, content_type, text = _CANNED[fault.action]
    if fault.action == "json":
        text = json.dumps(fault.json)
    body = (text if fault.body is None else fault.body).encode()
    headers = [(b"content-type", (fault.content_type or content_type).encode())]
    if fault.action == "redirect":
        headers.append((b"location", (fault.location or "/login").encode()))
    headers += [(name.lower().encode(), value.encode()) for name, value in fault.headers.items()]
    return Answer(status if fault.status is None else fault.status, headers, b"").with_body(body)


def _own_or_canned(fault: Fault, answer: Answer | None) -> Answer:
    return _canned(fault) if answer is None or fault.body is not None else answer


def _locate(content: Any, path: str) -> tuple[dict[str, Any], str]:
    """Where the dotted path leads: the object that holds it and the last name."""
    *way, key = path.split(".")
    for name in way:
        content = content[name]
    if not isinstance(content, dict):
        raise TypeError(f"{path} does not lead to a member of an object")
    return content, key


def with_header(headers: Headers, name: bytes, value: bytes) -> Headers:
    """The headers with one set."""
    return [pair for pair in headers if pair[0].lower() != name] + [(name, value)]


def _announces_body(headers: list[tuple[str, str]]) -> bool:
    return _content_length(headers) > 0 or any(name == "transfer-encoding" for name, _unused in headers)


def _content_length(headers: list[tuple[str, str]]) -> int:
    """Announced length, 0 without one (a chunked body counts as small)."""
    values = [value for name, value in headers if name == "content-length"]
    return int(values[0]) if values else 0
