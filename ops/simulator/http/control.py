"""The simulator's control API under /simulator/: journal, state and faults."""

import json
from dataclasses import asdict
from http import HTTPStatus

from aiohttp import web

from ops.simulator.faults import read_rules
from ops.simulator.simulator import Simulator
from worker.classin.catalogue import CATALOGUE
from worker.errors import InvalidInputError

#: Key of the simulator in its application.
SIMULATOR = web.AppKey("simulator", Simulator)

routes = web.RouteTableDef()


@routes.get("/simulator/health")
async def health(request: web.Request) -> web.Response:
    """Report readiness, time, and the supported operations."""
    now = request.app[SIMULATOR].now()
    return web.json_response({"now": now, "operations": list(CATALOGUE)})


@routes.get("/simulator/journal")
async def journal(request: web.Request) -> web.Response:
    """Return the requests; `operation=NAME` and `applied=1` (or 0) filter."""
    operation, applied = request.query.get("operation"), request.query.get("applied")
    entries = request.app[SIMULATOR].stage.journal.select(
        operation, applied=None if applied is None else applied == "1"
    )
    return web.json_response([entry.to_dict() for entry in entries])


@routes.get("/simulator/state")
async def state(request: web.Request) -> web.Response:
    """Return the state of all schools."""
    return web.json_response(request.app[SIMULATOR].stage.world.snapshot())


@routes.get("/simulator/counts")
async def counts(request: web.Request) -> web.Response:
    """Return requests, and those carried out, by operation."""
    counted = request.app[SIMULATOR].stage.journal.counts()
    return web.json_response({name: asdict(one) for name, one in counted.items()})


@routes.get("/simulator/faults")
async def faults(request: web.Request) -> web.Response:
    """Return the rules."""
    return _rules(request.app[SIMULATOR])


@routes.post("/simulator/faults")
async def set_faults(request: web.Request) -> web.Response:
    """Add a rule, or a list of rules: all or none."""
    simulator = request.app[SIMULATOR]
    try:
        simulator.stage.faults.add(read_rules(await request.json()))
    except InvalidInputError as error:
        return _refuse([asdict(fault) for fault in error.faults])
    except (ValueError, RecursionError):
        return _refuse([{"where": "", "what": "is not JSON"}])
    return _rules(simulator)


@routes.delete("/simulator/faults")
async def clear_faults(request: web.Request) -> web.Response:
    """Remove all rules."""
    simulator = request.app[SIMULATOR]
    simulator.stage.faults.clear()
    return _rules(simulator)


@routes.post("/simulator/maintenance")
async def maintenance(request: web.Request) -> web.Response:
    """Switch maintenance on or off: `{"on": true}`; meanwhile every operation answers 901."""
    stage = request.app[SIMULATOR].stage
    try:
        given = await request.json()
    except (ValueError, RecursionError):
        given = None
    on = given.get("on") if isinstance(given, dict) else None
    if not isinstance(on, bool):
        return _refuse([{"where": "on", "what": "should be true or false"}])
    stage.maintenance = on
    return web.json_response({"on": on})


@routes.post("/simulator/reset")
async def reset(request: web.Request) -> web.Response:
    """Reset state, journal, faults and maintenance."""
    simulator = request.app[SIMULATOR]
    simulator.reset()
    return web.json_response(simulator.stage.world.snapshot())


def _rules(simulator: Simulator) -> web.Response:
    """Return the rules, each with the settings that differ from the defaults."""
    rules = simulator.stage.faults.rules
    return web.json_response(
        [rule.model_dump(mode="json", exclude_defaults=True) for rule in rules]
    )


def _refuse(found: list[dict[str, str]]) -> web.Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return web.Response(
        status=status, text=json.dumps({"faults": found}), content_type="application/json"
    )
