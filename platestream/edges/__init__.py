"""Edges of the flows: Kafka, ClickHouse and topic files, and their clients."""
