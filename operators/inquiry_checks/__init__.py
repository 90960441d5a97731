"""Checks of every inquiry: against the order, against a person's habits, and for follow-up."""
