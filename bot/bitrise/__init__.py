"""The edge to Bitrise."""
