"""Which runs may be compared, how they are read, and the statistics that compare them. Nothing here
draws or writes a report.
"""
