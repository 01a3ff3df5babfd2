"""Notify channels and people: subscriptions, filters, events, messages."""
