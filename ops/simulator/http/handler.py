"""Handle one API request, from its arrival to its reply, with injected faults."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from ops.simulator.faults import NO_FAULT, FaultRule, When
from ops.simulator.handlers import Answer
from ops.simulator.http.auth import Received
from ops.simulator.http.responses import encode
from ops.simulator.journal import Entry
from ops.simulator.simulator import Simulator
from worker.classin.codes import Code
from worker.classin.operation import Operation

GARBLED = b'<html><body>{"error_info": {"errno": 1, </body>'


@dataclass(slots=True)
class Exchange:
    """A request in the journal, and the rule that strikes it."""

    request: web.Request
    received: Received
    entry: Entry
    errno_as_text: bool
    rule: FaultRule = NO_FAULT

    def reply(self, answer: Answer) -> web.StreamResponse:
        """Return ClassIn's reply."""
        self.entry.outcome = int(answer.code)
        as_text = self.errno_as_text or self.rule.errno_as_text
        body = encode(answer, self.received.dialect, errno_as_text=as_text)
        return web.Response(body=body, content_type="application/json")

    async def apply_fault(
        self, when: When, said: Answer | None = None
    ) -> web.StreamResponse | None:
        """Apply the rule at its time; return what replaces the reply."""
        rule = self.rule
        if rule.when is not when:
            return None
        if rule.delay:
            await asyncio.sleep(rule.delay)
        if rule.code is not None:
            if said is None or not rule.with_data:
                return self.reply(Answer(rule.code))
            return self.reply(Answer(rule.code, said.data, beside=said.beside))
        if rule.status is not None:
            self.entry.outcome = f"status {rule.status}"
            return _status(rule.status, rule.retry_after)
        if rule.garble:
            self.entry.outcome = "garbled"
            return web.Response(body=GARBLED, content_type="text/html")
        return self._drop() if rule.drop else None

    def _drop(self) -> web.StreamResponse:
        self.entry.outcome = "dropped"
        if self.request.transport is not None:
            self.request.transport.close()
        return web.Response()  # goes nowhere: the connection is closed


async def exchange(
    simulator: Simulator, request: web.Request, received: Received
) -> web.StreamResponse:
    """Journal, admit, apply faults, carry out, reply.

    Until it is carried out, what the operation works on is busy for others.
    """
    stage = simulator.stage
    entry = simulator.enter(received)
    this = Exchange(request, received, entry, simulator.errno_as_text)
    if stage.maintenance:
        return this.reply(Answer(Code.MAINTENANCE))
    admitted = simulator.admit(received)
    if isinstance(admitted, Answer):
        return this.reply(admitted)
    if (refusal := stage.refusal(entry, admitted, simulator.now())) is not None:
        return this.reply(refusal)
    entry.fault, this.rule = stage.faults.strike(admitted.spec.name, entry.fields, entry.school)
    if this.rule.apply_after:
        return await _exchange_late(simulator, this, admitted)
    with stage.at_work(entry, admitted):
        if (instead := await this.apply_fault(When.BEFORE)) is not None:
            return instead
        said = stage.carry_out(entry, admitted, simulator.now())
    instead = await this.apply_fault(When.AFTER, said)
    return this.reply(said) if instead is None else instead


async def _exchange_late(
    simulator: Simulator, this: Exchange, operation: Operation
) -> web.StreamResponse:
    """Carry out at the rule's time, whatever was replied by then."""
    stage, loop = simulator.stage, asyncio.get_running_loop()
    carried_out: asyncio.Future[Answer] = loop.create_future()

    def carry_out() -> None:
        said = stage.carry_out(this.entry, operation, simulator.now())
        if not carried_out.done():
            carried_out.set_result(said)

    loop.call_later(this.rule.apply_after, carry_out)
    if (instead := await this.apply_fault(When.BEFORE)) is not None:
        return instead
    said = await carried_out
    instead = await this.apply_fault(When.AFTER, said)
    return this.reply(said) if instead is None else instead


def _status(status: int, retry_after: float | None) -> web.Response:
    """Return a bare status with a line of text, as proxies do."""
    known = status in HTTPStatus._value2member_map_
    text = f"{status} {HTTPStatus(status).phrase}\n" if known else f"{status}\n"
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return web.Response(status=status, text=text, headers=headers)
