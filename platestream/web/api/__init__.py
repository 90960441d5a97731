"""HTTP API: JSON for dispatch (CAD), records systems and other programs, authorized by the same door as the
pages.
"""

from platestream.web.api.app import app as app
