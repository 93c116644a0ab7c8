"""The predictions of one model, their score and the figures of its run. No other package
parses solution.csv, and no command but fetch, which writes it.
"""
