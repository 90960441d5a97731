"""Operation of an installation: start and stop, status, diagnosis, backup, rejected messages."""
