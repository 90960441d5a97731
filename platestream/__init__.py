"""Platestream: a license plate reader that an agency runs itself, and that can prove it follows its order."""

import os

# ONNX Runtime looks here when it is loaded. Otherwise it stores usage events below the home folder, and tries
# to send them to its maker.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
