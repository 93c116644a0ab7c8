"""What a model does outside of this project: what it accepts as an image, what it answers, and how
MLflow loads it. Nothing of training, tracking or scoring: this code travels with every model.
"""
