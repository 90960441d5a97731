"""Entry point of `python -m platestream`."""

from platestream.cli.main import main

main()
