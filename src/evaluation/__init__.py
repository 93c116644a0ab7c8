"""What a trained model is worth: its predictions, their score and the figures of one run. Only here
are the held-out labels read.
"""
