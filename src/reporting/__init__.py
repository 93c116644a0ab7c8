"""The report of a comparison: its figures, its sentences, its page and its files. No number is
computed here that `src.evidence` could compute.
"""
