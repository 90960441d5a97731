"""A checker that recounts a run from outside: sends written down, topics and tables read by its own means."""
