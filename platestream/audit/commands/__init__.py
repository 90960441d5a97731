"""Commands of the inquiry log and of audits."""
