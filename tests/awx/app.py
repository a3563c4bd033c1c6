# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of the API."""

from __future__ import annotations

import copy
import json
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .checks import SECRETS, Refusal, check, may_be_associated, may_be_deleted, survey_errors
from .kinds import ENCRYPTED, KINDS, UNIFIED, Kind
from .store import Store, Thing

TOKEN = "awx-token-of-an-administrator"
VERSION = "24.6.1"


class Api:
    """Answers as AWX does. `asked` are the requests so far, `ignored` the fields that AWX would ignore."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.asked: list[tuple[str, str, Any]] = []
        self.ignored: set[tuple[str, str]] = set()
        self.app = Starlette(
            routes=[
                Route("/api/v2/ping/", self._ping),
                Route("/api/v2/project_updates/{number:int}/", self._project_update),
                Route("/api/v2/workflow_jobs/{number:int}/workflow_nodes/", self._workflow_nodes),
                Route("/api/v2/{path}/", self._list, methods=["GET", "POST"]),
                Route("/api/v2/{path}/{number:int}/", self._one, methods=["GET", "PATCH", "DELETE"]),
                Route("/api/v2/{path}/{number:int}/survey_spec/", self._survey, methods=["GET", "POST", "DELETE"]),
                Route("/api/v2/{path}/{number:int}/create_approval_template/", self._approval, methods=["POST"]),
                Route("/api/v2/{path}/{number:int}/{name}/", self._association, methods=["GET", "POST"]),
            ],
            middleware=[Middleware(BaseHTTPMiddleware, dispatch=self._dispatch)],
            # Starlette's types know only handlers that take any exception.
            exception_handlers={Refusal: _refused},  # type: ignore[dict-item]
        )

    async def _dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"detail": "Authentication credentials were not provided."}, 401)
        body = await request.body()
        self.asked.append((request.method, request.url.path, json.loads(body) if body else None))
        response = await call_next(request)
        response.headers["X-API-Product-Name"] = "AWX"
        response.headers["X-API-Product-Version"] = VERSION
        return response

    async def _ping(self, request: Request) -> Response:
        return JSONResponse({"version": VERSION})

    async def _list(self, request: Request) -> Response:
        path = request.path_params["path"]
        if request.method == "POST":
            return self._create(path, await request.json())
        if path not in KINDS and path != "unified_job_templates":
            return JSONResponse({"detail": "Not found."}, 404)
        found = [one for one in self.store.all(path) if self._matches(one, dict(request.query_params))]
        results = [self.shown(one) for one in found]
        return JSONResponse({"count": len(results), "next": None, "previous": None, "results": results})

    def _matches(self, thing: Thing, wanted: dict[str, str]) -> bool:
        either = {name.removeprefix("or__"): value for name, value in wanted.items() if name.startswith("or__")}
        every = {name: value for name, value in wanted.items() if not name.startswith("or__")}
        if either and not any(self._is(thing, name, value) for name, value in either.items()):
            return False
        return all(self._is(thing, name, value) for name, value in every.items())

    def _is(self, thing: Thing, name: str, value: str) -> bool:
        if name == "id":
            return str(thing.id) == value
        if name == "organization":
            return str(self.store.organization_of(thing)) == value
        if name not in thing.kind.fields:
            raise Refusal({"detail": f"{thing.kind.type} has no field named '{name}'"})
        return str(thing[name]) == value

    def _create(self, path: str, given: dict[str, Any]) -> Response:
        if path not in KINDS or path == "workflow_approval_templates":
            return JSONResponse({"detail": f'Method "POST" not allowed on {path}.'}, 405)
        thing = self._add(path, given)
        if path == "projects" and thing["scm_type"]:
            thing.updates = 1  # AWX begins to fetch at once (seen)
        return JSONResponse(self.shown(thing), 201)

    def _add(self, path: str, given: dict[str, Any]) -> Thing:
        kind = KINDS[path]
        fields = {name: one.default for name, one in kind.fields.items()} | self._checked(kind, given)
        missing = [name for name, one in kind.fields.items() if one.required and fields[name] in (None, "")]
        if missing:
            raise Refusal({name: ["This field is required."] for name in missing})
        fields = copy.deepcopy(fields)
        self._refuse_second(kind, fields, None)
        check(self.store, path, fields, None, given)
        return self.store.add(path, **fields)

    def _checked(self, kind: Kind, given: dict[str, Any]) -> dict[str, Any]:
        """The fields that are known, of the right type. AWX ignores others without a word."""
        self.ignored |= {(kind.path, name) for name in given if name not in kind.fields}
        errors = {}
        given = {
            name: "" if value is None and name in kind.fields and kind.fields[name].default == "" else value
            for name, value in given.items()
        }
        for name, value in given.items():
            one = kind.fields.get(name)
            if one is None:
                continue
            right = value == one.default or isinstance(value, (*one.types, *([str] if one.refers_to else [])))
            if not right or (one.choices and value not in one.choices):
                errors[name] = [f'"{value}" is not a valid choice.']
            if one.refers_to and value is not None and self.store.find(one.refers_to, int(value)) is None:
                errors[name] = [f'Invalid pk "{value}" - object does not exist.']
        if errors:
            raise Refusal(errors)
        return {name: value for name, value in given.items() if name in kind.fields}

    def _refuse_second(self, kind: Kind, fields: dict[str, Any], but: Thing | None) -> None:
        for other in self.store.things[kind.path].values():
            if kind.unique and other is not but and all(other[name] == fields.get(name) for name in kind.unique):
                raise Refusal({"__all__": [f"{kind.type} with this {', '.join(kind.unique)} already exists."]})

    async def _one(self, request: Request) -> Response:
        thing = self._thing(request)
        if request.method == "DELETE":
            may_be_deleted(self.store, thing)
            self.store.remove(thing)
            return Response(status_code=thing.kind.delete_status)
        if request.method == "PATCH":
            self._change(thing, await request.json())
        return JSONResponse(self.shown(thing))

    def _change(self, thing: Thing, given: dict[str, Any]) -> None:
        kind = thing.kind
        given = {name: value for name, value in given.items() if name in kind.fields and not kind.fields[name].is_fixed}
        fields = copy.deepcopy({**thing.fields, **self._checked(kind, given)})
        self._refuse_second(kind, fields, thing)
        check(self.store, kind.path, fields, thing, given)
        if kind.path == "credentials":
            for name, value in fields["inputs"].items():
                if value == ENCRYPTED:
                    fields["inputs"][name] = thing["inputs"][name]
        thing.fields = fields

    async def _survey(self, request: Request) -> Response:
        thing = self._thing(request)
        if request.method == "GET":
            return JSONResponse(thing.survey)
        survey = {} if request.method == "DELETE" else await request.json()
        if request.method == "POST" and (error := survey_errors(survey)):
            return JSONResponse({"error": error}, 400)
        thing.survey = survey
        return Response(status_code=200)

    async def _approval(self, request: Request) -> Response:
        node = self._thing(request)
        approval = self._add("workflow_approval_templates", await request.json())
        node.fields["unified_job_template"] = approval.id
        return JSONResponse(self.shown(approval), 201)

    async def _association(self, request: Request) -> Response:
        thing = self._thing(request)
        name = request.path_params["name"]
        if name == "update" and thing.kind.path == "projects":
            thing.updates, thing.is_synced = thing.updates + 1, False
            return JSONResponse({"id": thing.id, "status": "pending", "url": _update_url(thing)}, 202)
        path = thing.kind.associations.get(name)
        if path is None:
            raise Refusal({"detail": "Not found."}, 404)
        if request.method == "GET":
            others = [self.store.things[path][number] for number in thing.lists[name]]
            results = [self.shown(other) for other in others]
            return JSONResponse({"count": len(results), "next": None, "previous": None, "results": results})
        body = await request.json()
        other = self.store.find(path, body["id"])
        if other is None:
            raise Refusal({"detail": f"{path} {body['id']} not found"})
        if body.get("disassociate"):
            thing.lists[name].remove(other.id)
        else:
            may_be_associated(self.store, thing, name, other)
            thing.lists[name].append(other.id)
        return Response(status_code=204)

    async def _project_update(self, request: Request) -> Response:
        """It is at work when it is asked for the first time, and over at the second."""
        thing = self.store.things["projects"][request.path_params["number"]]
        is_over = any((method, path) == ("GET", _update_url(thing)) for method, path, _body in self.asked[:-1])
        thing.is_synced = is_over and thing["scm_url"] in self.store.projects
        status = ("successful" if thing.is_synced else "failed") if is_over else "running"
        ended = "2026-11-26T02:00:00Z" if is_over else None
        told = {"id": thing.id, "status": status, "failed": status == "failed", "finished": ended}
        return JSONResponse({**told, "scm_revision": "1" * 40, "elapsed": 1.0, "started": ended})

    async def _workflow_nodes(self, request: Request) -> Response:
        """Simpler: the nodes of a template, in place of those of its job, which refer to the same templates."""
        wanted = {"workflow_job_template": str(request.path_params["number"]), **request.query_params}
        nodes = [self.shown(one) for one in self.store.all("workflow_job_template_nodes") if self._matches(one, wanted)]
        return JSONResponse({"count": len(nodes), "next": None, "previous": None, "results": nodes})

    def _thing(self, request: Request) -> Thing:
        path, number = request.path_params["path"], request.path_params["number"]
        thing = self.store.things.get(path, {}).get(number)
        if thing is None:
            raise Refusal({"detail": "Not found."}, 404)
        return thing

    def shown(self, thing: Thing) -> dict[str, Any]:
        """An object as the API shows it: without secrets."""
        fields = copy.deepcopy(thing.fields)
        if thing.kind.path == "credentials":
            of = self.store.things["credential_types"][thing["credential_type"]]
            for one in of["inputs"].get("fields", []):
                if one.get("secret") and fields["inputs"].get(one["id"]):
                    fields["inputs"][one["id"]] = ENCRYPTED
        if thing.kind.path == "notification_templates":
            secret = SECRETS[thing["notification_type"]]
            if fields["notification_configuration"].get(secret):
                fields["notification_configuration"][secret] = ENCRYPTED
        if thing.kind.path in UNIFIED:
            fields.setdefault("organization", self.store.organization_of(thing))
        if thing.kind.path == "projects":
            fields |= {"scm_revision": "1" * 40 if thing.is_synced else ""}
        related = {name: f"{thing.url}{name}/" for name in (*thing.kind.associations, "survey_spec", "update")}
        if number := thing.fields.get("unified_job_template"):
            used = self.store.find("unified_job_templates", number)
            related["unified_job_template"] = used.url if used else ""
        summary: dict[str, Any] = {}
        for name in ("inventory", "project", "execution_environment"):
            if name in thing.kind.fields and (used := self.store.find(thing.kind.fields[name].refers_to, thing[name])):
                summary[name] = {"id": used.id, "name": used["name"]}
        if thing.updates and not thing.is_synced:
            summary["current_update"] = {"id": thing.id}
        told = {"id": thing.id, "type": thing.kind.type, "url": thing.url}
        return {**told, "related": related, "summary_fields": summary, **fields}


def _update_url(project: Thing) -> str:
    return f"/api/v2/project_updates/{project.id}/"


def _refused(_request: Request, refusal: Refusal) -> Response:
    return JSONResponse(refusal.errors, refusal.status)
