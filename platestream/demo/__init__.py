"""Demo: the main pipeline, end to end, on one machine, over invented frames and an invented hot list
(`samples/`).
"""
