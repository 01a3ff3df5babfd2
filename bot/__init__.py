"""The bot: services, the edges to Slack and Bitrise, and the process around them."""

__version__ = "0.1.0"
