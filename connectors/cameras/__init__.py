"""Where frames come from: what a camera is asked for, what it uploads, and the spool where frames wait."""
