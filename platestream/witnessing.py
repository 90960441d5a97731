"""The witness as a server: `POST /add-checkpoint` of C2SP `tlog-witness`, and nothing else."""

from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.tlog.witness import MOST, LogWitness


def app(witness: LogWitness) -> Starlette:
    """What is served."""

    async def add_checkpoint(request: Request) -> Response:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MOST:
                return Response("a request is 64,000 bytes at most\n", 413)
        reply = await run_in_threadpool(witness.add_checkpoint, bytes(body), datetime.now(UTC))
        # As a header: Starlette would add a charset to the type, and clients compare it whole.
        return Response(reply.body, reply.status, {"content-type": reply.kind})

    return Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])])
