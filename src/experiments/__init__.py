"""Many runs, one after another or side by side: what a study consists of and how its runs are
trained. What the runs show is said elsewhere (`src.analysis`).
"""
