"""Drawn sample data: street scenes with US plates, and the hot list that goes with them.

Everything here is invented and drawn at run time from a seed; no photograph, real plate, person or
record is in it. Start with `frames.sample_frames` and `hotlist.sample_entries`.
"""
