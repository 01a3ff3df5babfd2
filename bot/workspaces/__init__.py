"""Installed workspaces: Slack access, OAuth, token rotation, uninstall."""
