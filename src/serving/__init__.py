"""Models outside of this project: their input, their output, and how MLflow loads them. Nothing of
training, tracking or scoring: this code travels with every model.
"""
