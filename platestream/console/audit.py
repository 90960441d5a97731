"""The inquiry log and the yearly audit: draws, judging, the memorandum, seals, the order clause by clause."""

from platestream.console.visit import Routes

ROUTES: Routes = {}
