"""`platestream bench`: the benchmarks, one JSON object of figures each."""

import typer

app = typer.Typer(no_args_is_help=True, help="Benchmarks; each prints one JSON object of figures.")


@app.callback()
def _group() -> None:
    """Keeps benchmarks commands of a group."""
