"""Matching of reads with the hot list: pure functions and small indexes, independent of Bytewax."""
