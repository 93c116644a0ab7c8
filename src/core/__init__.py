"""Errors, texts, paths, files, locks and processes: the ground that every command stands on. It
names where outputs lie and what they are called; what is in them (digits, models, runs of MLflow)
is for the packages above.
"""
