"""Runs in MLflow: logging, leases, searches. Nothing here trains or judges."""
