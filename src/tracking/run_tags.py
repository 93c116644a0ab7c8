"""The names of the tags in MLflow that more than one module writes or reads."""

# Of a parent run.
STUDY = "study"  # the study's name
SWEEP = "sweep"  # the words of a multirun made by hand
SWEEP_DIGEST = "sweep_digest"  # of its trainings, by which the same command finds it

# Of a training.
PARENT = "mlflow.parentRunId"
JOB = "job"  # its overrides without the seed
TRAINING_DIGEST = "training_digest"  # by which a study finds it (src/tracking/fingerprint.py)
