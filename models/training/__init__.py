"""Fine-tunes the plate recogniser on drawn plates: `python -m models.training.train`,
models/notes/recogniser.md; and a detector, to find serials in drawn scenes: `python -m
models.training.locate`, models/notes/localiser.md.

Nothing here runs in the pipeline. Drawing (`samples` and what it imports) needs NumPy, OpenCV and Pillow;
`fitting`, `network` and `operations` need what `models/training/requirements.txt` names.
"""
