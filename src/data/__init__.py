"""The images on their way in: where they come from, the CSV files, and the arrays made of them.
Nothing here trains, scores or logs.
"""
