"""The edge to Bitrise: `client` makes the calls, `models` has the values it returns."""
