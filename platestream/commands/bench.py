"""`platestream bench`: the benchmarks, one JSON object of figures each."""

from typing import Annotated

import typer

from connectors.settings import load_settings
from platestream.commands.console import print_json

app = typer.Typer(no_args_is_help=True, help="Benchmarks; each prints one JSON object of figures.")


@app.callback()
def _group() -> None:
    """Keeps benchmarks commands of a group."""


@app.command()
def pipeline(
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured, in turn.")] = 5,
) -> None:
    """The whole recognise flow beside a bare loop of PaddleOCR over the same frames.

    Example: platestream bench pipeline --rounds 5
    """
    from platestream.bench import pipeline as job

    print_json(job.run(rounds, load_settings().threads))
