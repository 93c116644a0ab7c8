"""Searches: trials drawn from a space, each one run, and the best of them as a recipe. How a run is
made lies below (`src.studies`); what a tuned comparison shows is said above (`src.analysis`).
"""
