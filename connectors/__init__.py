"""The edges. Only this package opens a socket or a file.

ONNX Runtime keeps a store of usage events and would send them to its maker unless it is told not to before it
is imported; a police agency's readers tell nobody what they read. Whoever imports a connector has told it.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
