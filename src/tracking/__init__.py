"""What MLflow keeps of a run, and how it is found again. Nothing here trains or judges."""
