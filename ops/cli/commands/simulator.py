"""`classin simulator`: a ClassIn on this machine."""

from typing import Annotated

import typer

from ops.cli.options import AsJson
from ops.cli.output import print_json
from worker.classin.signing import Counting
from worker.config.settings import from_env
from worker.trouble_log import log_plainly


def simulator(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 8900,
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    counting: Annotated[
        Counting, typer.Option(help="How it counts long texts when it checks a signature.")
    ] = Counting.BYTES,
    as_json: AsJson = False,
) -> None:
    """Pretend to be ClassIn, on this machine, until Ctrl-C.

    It knows the schools of the settings; without any, one of its own. With --json it prints its
    `url`.
    """
    from ops.simulator import announce, create_app, run  # noqa: PLC0415  # aiohttp

    log_plainly()
    schools = {school.sid: school.secret for school in from_env().schools.values()}
    ready = (lambda url: print_json({"url": url})) if as_json else announce
    run(port, host, create_app(schools=schools or None, counting=counting), ready)
