"""The hot list: entries, what expires soon, sources with their age, an import with what it would change."""

from platestream.console.visit import Routes

ROUTES: Routes = {}
