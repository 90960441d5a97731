"""Fine-tunes the plate recogniser on drawn plates: `python -m training.train`, docs/recogniser.md; and a
detector, to find serials in drawn scenes: `python -m training.locate`, docs/localiser.md.

Nothing here runs in the pipeline. Drawing (`samples` and what it imports) needs NumPy, OpenCV and Pillow;
`fitting`, `network` and `operations` need what `training/requirements.txt` names.
"""
