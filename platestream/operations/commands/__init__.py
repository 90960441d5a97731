"""Commands that set up, start, check and back up an installation."""
