"""Encode a reply as ClassIn does. Pure."""

import json

from ops.simulator.handlers import Answer
from worker.classin.endpoint import ApiVersion


def encode(answer: Answer, dialect: ApiVersion, *, errno_as_text: bool = False) -> bytes:
    """Encode a reply in an API version; the code as a number or, on demand, as text."""
    number: int | str = str(int(answer.code)) if errno_as_text else int(answer.code)
    match dialect:
        case ApiVersion.V1:
            data = {} if answer.data is None else {"data": answer.data}
            reply = data | {
                **(answer.beside or {}),
                "error_info": {"errno": number, "error": answer.text},
            }
        case ApiVersion.V2:
            reply = {"code": number, "msg": answer.text, "data": answer.data}
    return json.dumps(reply, ensure_ascii=False).encode()
