"""Models outside this project: their input, their output, and how MLflow loads them. No training,
tracking or scoring, because this code travels with every model.
"""
