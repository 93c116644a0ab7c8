"""The names of the metrics. Accuracies are fractions."""

EPOCH = "epoch"  # counted from 1

# Once an epoch; Keras's own names where it has one.
LOSS = "loss"
ACCURACY = "accuracy"
VAL_LOSS = "val_loss"
VAL_ACCURACY = "val_accuracy"
LEARNING_RATE = "learning_rate"
EPOCH_SECONDS = "epoch_seconds"  # of training alone: validation is left out
IMAGES_PER_SECOND = "images_per_second"
BETA = "beta/"  # followed by the layer's name

# Once a training. "Best" is the epoch whose weights are kept: with restore_best_weights the one
# with the highest validation accuracy, else the last. The medians leave out the first, which
# compiles.
BEST_EPOCH = "best_epoch"
BEST_VAL_ACCURACY = "best_val_accuracy"
BEST_VAL_LOSS = "best_val_loss"
MEDIAN_EPOCH_SECONDS = "median_epoch_seconds"
MEDIAN_IMAGES_PER_SECOND = "median_images_per_second"
TRAIN_SECONDS = "train_seconds"  # the sum of the epochs
TIMED = (MEDIAN_EPOCH_SECONDS, MEDIAN_IMAGES_PER_SECOND, TRAIN_SECONDS)  # have their own file

# If the held-out labels are known.
TEST_ACCURACY = "test_accuracy"
TEST_ACCURACY_LOW = "test_accuracy_low"  # Wilson's 95% interval
TEST_ACCURACY_HIGH = "test_accuracy_high"
TEST_ERRORS = "test_errors"
TEST_ERROR_PERCENT = "test_error_percent"  # in charts, where accuracies all read 1.00
TEST_IMAGES = "test_images"

# Of a study, over the seeds; each followed by an activation.
STUDY_ACCURACY = "accuracy/"  # mean held-out accuracy
STUDY_ACCURACY_SD = "accuracy_sd/"  # its standard deviation
STUDY_EPOCH_SECONDS = "epoch_seconds/"  # mean of the medians

KAGGLE_PUBLIC_SCORE = "kaggle_public_score"
