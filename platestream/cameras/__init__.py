"""The camera gateway: from cameras to the topic of frames."""
