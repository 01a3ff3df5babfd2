"""Requests from outside: HTTP routes, Socket Mode, dispatch to handlers."""
