"""Reads that cameras push: one parser for each format, all to `schemas.camera_read.CameraRead`."""
