"""Runs in MLflow: what is logged of them, who works on one, how one is found again. Nothing here
trains or judges.
"""
