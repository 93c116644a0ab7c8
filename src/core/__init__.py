"""Errors, texts, paths, files, locks and processes. The packages above hold all that is specific to
digits, models and MLflow, but for the names of files and metrics.
"""
