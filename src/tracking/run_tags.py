"""The names of the tags in MLflow that more than one module writes or reads."""

# Of a parent run.
STUDY = "study"  # the study's name; its children have it too
SWEEP = "sweep"  # the words of a multirun made by hand
VARIED = "varied"  # JSON: the keys, but for the seeds, of which a sweep lists several values
SWEEP_DIGEST = "sweep_digest"  # of its trainings, by which the same command finds it

# Of a study's parent run.
QUESTION = "question"  # what it answers, a sentence
FACTOR = "factor"  # what it compares: a group, a key of the configuration, or "variant"
LEVELS = "levels"  # JSON: each level's label -> its overrides, in the study's order
REFERENCE = "reference"  # the label that the others are compared with
COMPARE = "compare"  # "reference": each with that one; "all": every pair
SMALLEST_EFFECT = "smallest_effect"  # of accuracy, a fraction: what is less does not matter
VARY = "vary"  # JSON: what differs between the runs of a level: ["seed"] or ["seed", "split"]
LOOKS = "looks"  # JSON: after how many seeds it is looked at; absent without planned looks
FIRST_SEEDS = "first_seeds"  # how many the study had when it was begun
TUNE = "tune"  # the search that tuned each level; absent without
TUNED = "tuned"  # JSON: label -> the best trial of its search (src/experiments/tuning.py, `Winner`)

# Of a training.
PARENT = "mlflow.parentRunId"
JOB = "job"  # its overrides without the seed
VARIANT = "variant"  # the label of its level, if a study made it
LEVEL = "level"  # JSON: the overrides of that level
TRAINING_DIGEST = "training_digest"  # by which a study finds it (src/tracking/fingerprint.py)
PROCESSOR = "processor"  # what it was made on; runs of older code have none
PARAMETERS = "parameters"  # how many numbers its model has

# Of a search's parent run.
SEARCH = "search"  # the search's name; its trials have it too
SEARCH_LEVEL = "search_level"  # the label of the study's level that it tunes, if it tunes one
SEARCH_DEFINITION = "search_definition"  # JSON: what makes two searches the same
TRIAL_PREFIX = "trial."  # followed by a trial's number: JSON of what was drawn for it

# Of a trial.
TRIAL = "trial"  # its number, from 0
PRUNED = "pruned"  # the epoch after which it was ended early
PRUNER_STATE = "pruner_state"  # JSON: what Optuna's pruner keeps with a trial

# Of a search that has come to its end.
BEST_TRIAL = "best_trial"  # the number of its best trial
BEST_OVERRIDES = "best_overrides"  # what was drawn for that, as overrides
