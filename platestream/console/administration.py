"""People, agencies, cameras, sources and categories, rules in force, what was refused."""

from platestream.console.visit import Routes

ROUTES: Routes = {}
