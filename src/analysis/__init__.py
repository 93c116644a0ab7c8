"""The statistics that compare runs, and which runs may be compared. Arrays go in; intervals, tests
and verdicts come out. Nothing here draws, words a finding or writes a report; only `load_runs` and
`levels` need MLflow.
"""
