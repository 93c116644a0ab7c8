"""Errors, texts, paths, files, locks and processes: nothing about digits or models."""
