"""Building blocks of every process: metrics, clock, files, HTTP servers."""
