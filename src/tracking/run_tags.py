"""Names of the tags in MLflow that several modules use."""

# Of a parent run.
STUDY = "study"  # the study's name; its children have it too
SWEEP = "sweep"  # the overrides of a multirun
VARIED = "varied"  # JSON: the keys, but for the seeds, of which a sweep lists several values
SWEEP_DIGEST = "sweep_digest"  # of its trainings: the same command finds it by this

# Of a study's parent run.
QUESTION = "question"  # a sentence
FACTOR = "factor"  # a group, a key of the configuration, or "variant"
LEVELS = "levels"  # JSON: each level's label -> its overrides, in the study's order
REFERENCE = "reference"  # the label of the level that the others are compared with
COMPARE = "compare"  # "reference": each level with that one; "all": every pair
SMALLEST_EFFECT = "smallest_effect"  # the smallest difference of accuracy that matters
BECAUSE = "because"  # why it is that one, in the words of the study's file; absent without
VARY = "vary"  # JSON, how the runs of a level differ: ["seed"], ["seed", "split"], ...
LOOKS = "looks"  # JSON: numbers of seeds at the planned looks; absent without
FIRST_SEEDS = "first_seeds"  # how many the study began with
TUNE = "tune"  # the search that tuned each level; absent without
# JSON: label -> the best trial of its search (src/experiments/tuning.py, `Winner`); where each seed
# has its own searches, each run has its own best trial here instead.
TUNED = "tuned"

# Of a study's parent run, too, as of its first start: set when it is created, and never again.
REGISTERED = "registered."  # followed by the name of a tag of JUDGED: its value then
JUDGED = (QUESTION, SMALLEST_EFFECT, LEVELS, REFERENCE, COMPARE, LOOKS)
REGISTERED_SHA256 = f"{REGISTERED}sha256"  # of the study's file
REGISTERED_TIME = f"{REGISTERED}time"  # ISO 8601, UTC
REGISTERED_EARLIER = f"{REGISTERED}earlier_run"  # the newest other parent of it that has runs
REGISTERED_COMMIT = f"{REGISTERED}git_commit"  # absent outside of a git repository
REGISTERED_DIRTY = f"{REGISTERED}git_dirty"  # "true" if that commit has not this very file

# Of a training.
PARENT = "mlflow.parentRunId"
JOB = "job"  # its overrides, without the seed
VARIANT = "variant"  # the label of its level, in a study
LEVEL = "level"  # JSON: the overrides of that level
TRAINING_DIGEST = "training_digest"  # it is found by (src/tracking/fingerprint.py)
PROCESSOR = "processor"  # it was trained on
PARAMETERS = "parameters"  # of its model: how many

# Of a search's parent run.
SEARCH = "search"  # the search's name; its trials have it too
SEARCH_LEVEL = "search_level"  # the label of the study's level that it tunes, if any
SEARCH_SEED = "search_seed"  # the study's seed that it is repeated for, if any
SEARCH_DEFINITION = "search_definition"  # JSON: equal for two searches that are the same
TRIAL_PREFIX = "trial."  # followed by a trial's number: JSON of its values

# Of a trial.
TRIAL = "trial"  # its number, from 0
PRUNED = "pruned"  # the epoch after which it was stopped
PRUNER_STATE = "pruner_state"  # JSON, of Optuna's pruner

# Of a finished search.
BEST_TRIAL = "best_trial"  # the number of its best trial
BEST_OVERRIDES = "best_overrides"  # that trial's values
