"""The predictions of one model, their score and the figures of its run. Only this package reads the
held-out labels.
"""
