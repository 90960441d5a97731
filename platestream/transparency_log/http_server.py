"""Witness server: `POST /add-checkpoint` of C2SP `tlog-witness`, and nothing else."""

from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from platestream.transparency_log.witness import MOST, LogWitness


def app(witness: LogWitness) -> Starlette:
    """Return the application."""

    async def add_checkpoint(request: Request) -> Response:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MOST:
                return Response("a request must not exceed 64,000 bytes\n", 413)
        reply = await run_in_threadpool(witness.add_checkpoint, bytes(body), datetime.now(UTC))
        # As a header: Starlette would add a charset to the type, and clients compare the whole value.
        return Response(reply.body, reply.status, {"content-type": reply.kind})

    return Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])])
