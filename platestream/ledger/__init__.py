"""Chained records of retention runs, audits and custody, and the documents that they name."""
