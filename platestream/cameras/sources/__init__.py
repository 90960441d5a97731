"""Sources of frames: cameras that are polled, uploads, folders and videos, and the spool for frames."""
