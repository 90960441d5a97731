"""`python -m platestream`."""

from platestream.cli import main

main()
