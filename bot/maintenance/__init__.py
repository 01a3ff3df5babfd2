"""Operator tasks on the database: copy it, rotate encryption keys."""
