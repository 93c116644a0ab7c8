"""What every command stands on: errors, paths, atomic writes, names and texts. Nothing here knows
of digits, models or MLflow.
"""
