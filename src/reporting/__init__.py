"""The report on a comparison: its figures, captions, page, and files. Numbers that `src.analysis`
can compute are not computed here.
"""
