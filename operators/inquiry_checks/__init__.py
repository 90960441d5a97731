"""The checks on every inquiry: against the order, against a person's habits, and what came of it."""
