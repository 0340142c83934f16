"""The simulator's HTTP server."""

import asyncio
import contextlib
import errno
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future
from email.utils import formatdate

from aiohttp import web

from ops.simulator.http.control import SIMULATOR, routes
from ops.simulator.http.handler import exchange
from ops.simulator.http.request_parser import receive
from ops.simulator.simulator import Simulator
from ops.simulator.state.world import Seed
from worker.classin.catalogue import CATALOGUE
from worker.classin.endpoint import ApiVersion
from worker.classin.operation import Operation
from worker.classin.signing import Counting
from worker.errors import UnavailableError

LOOPBACK = "127.0.0.1"
#: Maximum bytes of a body, files excluded.
LARGEST_BODY = 4 * 1024 * 1024
#: Grace in seconds for running replies at shutdown.
PATIENCE = 0.5

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app(  # noqa: PLR0913  # all that may be otherwise, by keyword
    world_seed: Seed | None = None,
    schools: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.time,
    *,
    skew: float = 0.0,
    errno_as_text: bool = False,
    rates: bool = True,
    counting: Counting = Counting.BYTES,
) -> web.Application:
    """Build the application, with a route for every supported operation.

    `schools` are secrets by SID; `clock` and `skew` (seconds) make ClassIn's time, in the Date
    header as well; with `errno_as_text` every code is sent as text; without `rates` no rate limits
    apply; `counting` says how text lengths are counted when a signature is checked.
    """
    app = web.Application(client_max_size=LARGEST_BODY)
    app[SIMULATOR] = Simulator(
        schools,
        world_seed,
        clock=clock,
        skew=skew,
        errno_as_text=errno_as_text,
        rates=rates,
        counting=counting,
    )
    for (dialect, path), kinds in _addresses().items():
        # The v1 scripts answer any method; elsewhere aiohttp answers 405.
        method = "*" if dialect is ApiVersion.V1 else "POST"
        app.router.add_route(method, path, _handler(dialect, kinds))
    app.add_routes(routes)
    app.on_response_prepare.append(_tell_time)
    return app


def _addresses() -> dict[tuple[ApiVersion, str], dict[str | None, type[Operation]]]:
    """Return the operations by path, and below it by action."""
    addresses: dict[tuple[ApiVersion, str], dict[str | None, type[Operation]]] = {}
    for kind in CATALOGUE.values():
        call = kind.spec.endpoint
        addresses.setdefault((call.version, call.path), {})[call.action] = kind
    return addresses


def _handler(dialect: ApiVersion, kinds: Mapping[str | None, type[Operation]]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        kind = kinds.get(request.query.get("action") if dialect is ApiVersion.V1 else None)
        try:
            received = await receive(request, dialect, kind)
        except ConnectionError:  # who sent it is gone: it never arrived
            return web.Response()
        return await exchange(request.app[SIMULATOR], request, received)

    return handle


async def _tell_time(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Date"] = formatdate(request.app[SIMULATOR].now(), usegmt=True)


def announce(url: str) -> None:
    """Say where it listens, for people."""
    print(f"simulator listening on {url}", flush=True)  # noqa: T201  # this is its output


async def serve(
    app: web.Application,
    host: str = LOOPBACK,
    port: int = 0,
    *,
    ready: Callable[[str], None] = announce,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until `stop` is set, or without end; `ready` is called with the base URL. Port 0: any.

    Raises UnavailableError if the port is taken.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=PATIENCE)
    await runner.setup()
    try:
        await _listen(web.TCPSite(runner, host, port), host, port)
        bound = runner.addresses[0][1]
        ready(f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}")
        await (stop or asyncio.Event()).wait()
    finally:
        await runner.cleanup()


async def _listen(site: web.TCPSite, host: str, port: int) -> None:
    try:
        await site.start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            text = f"Port {port} of {host} is in use: stop what listens there, or choose another."
        else:
            text = f"The simulator cannot listen on port {port} of {host}: {error.strerror}."
        raise UnavailableError(text) from error


def run(
    port: int,
    host: str = LOOPBACK,
    app: web.Application | None = None,
    ready: Callable[[str], None] = announce,
) -> None:
    """Serve in this process until SIGTERM or SIGINT; without an app, with the defaults.

    Raises UnavailableError if the port is taken.
    """

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(app or create_app(), host, port, ready=ready, stop=stop)

    asyncio.run(main())


@contextlib.contextmanager
def in_thread(app: web.Application, host: str = LOOPBACK, port: int = 0) -> Iterator[str]:
    """Serve from a thread while inside; the value is the base URL."""
    url: Future[str] = Future()
    runner = asyncio.Runner()  # which ends what is still held back when it closes
    loop = runner.get_loop()
    stop = asyncio.Event()

    def work() -> None:
        try:
            runner.run(serve(app, host, port, ready=url.set_result, stop=stop))
        except Exception as error:  # noqa: BLE001  # handed to whoever waits
            url.set_exception(error)
        finally:
            runner.close()

    thread = threading.Thread(target=work, name="simulator", daemon=True)
    thread.start()
    try:
        yield url.result()
    finally:
        if thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it ended in this very moment
                loop.call_soon_threadsafe(stop.set)
        thread.join()
