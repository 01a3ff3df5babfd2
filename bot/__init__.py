"""What the bot knows and does."""

__version__ = "0.1.0"
