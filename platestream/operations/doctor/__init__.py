"""Diagnosis of an installation: settings, database, topics, disk, models, clocks."""
