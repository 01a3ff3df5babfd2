"""Everything that comes in: HTTP routes, Socket Mode, dispatch to handlers."""
