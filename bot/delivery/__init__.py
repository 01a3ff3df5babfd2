"""Deliver the outbox to Slack: pick messages, render them, send them within the rate limits."""
