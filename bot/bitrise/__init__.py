"""The edge to Bitrise: calls go out through ``client``, what comes back is a value from ``models``."""
