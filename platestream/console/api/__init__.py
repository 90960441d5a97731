"""The API: JSON for dispatch (CAD), records systems and other programs, by the same door as the pages."""

from platestream.console.api.app import app as app
