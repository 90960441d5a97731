"""Looking for plates: why first, then what; what is found as pictures, in time and on the map."""

from platestream.console.visit import Routes

ROUTES: Routes = {}
