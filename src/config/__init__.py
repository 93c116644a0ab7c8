"""Schemas of params.yaml, conf/, studies and searches. Nothing here reads data."""
