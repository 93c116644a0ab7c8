"""What the runs of several seeds show: which runs may be compared, and the statistics that compare
them. Nothing here draws, writes or words a report.
"""
