"""Builds as people act on them: start, stop, rerun, skip, look up."""
