"""Bring builds from Bitrise into the database: polling, webhooks, backfill, history import."""
