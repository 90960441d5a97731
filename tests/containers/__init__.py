"""The containers of docker-compose.yml, started, looked at, killed and started again: `make containers`.

No pytest: one story of minutes on a Docker engine, told with times. It runs as a project of its own with
volumes of its own, which are removed at the end, and needs the ports that docker-compose.yml publishes.
"""
