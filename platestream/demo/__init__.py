"""The main job, end to end, on one machine, over frames and a hot list that are invented (`samples/`)."""
