"""Validation of the input of a served model."""

import json
from contextlib import suppress
from typing import Any

import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

from src.data.digits import SIDE

PIXELS = SIDE * SIDE
WHITE = 255
ACCEPTED = f"{SIDE}×{SIDE}, 1×{SIDE}×{SIDE} or {PIXELS} whole numbers from 0 to {WHITE} per image"


class RefusedInputError(MlflowException):
    """The input is not an image: HTTP 400, and one sentence: found, expected, and the remedy."""

    def __init__(self, sentence: str):
        super().__init__(sentence, error_code=INVALID_PARAMETER_VALUE)
        self.sentence = sentence

    def serialize_as_json(self) -> str:
        """Return the answer's body, without the input, which MLflow's server adds to a message."""
        body = {"error_code": self.error_code, "message": self.sentence}
        return json.dumps(body, ensure_ascii=False)


def images(given: Any) -> np.ndarray:
    """Return one image or a batch as uint8 (N, 28, 28), from an array, nested lists, a data frame
    with a row of 784 columns for each image, or a dictionary with one of these as its only value.
    Raise RefusedInputError for another shape, for numbers that are not whole or not from 0 to 255,
    and if none is above 1: truncated, normalized pixels would get a confident wrong digit.
    """
    if isinstance(given, dict):
        if len(given) != 1:
            raise _refused(f"{len(given)} named inputs")
        [given] = given.values()
    try:
        values = np.asarray(given)
    except ValueError as error:  # ragged
        raise _refused("lists of different lengths") from error
    if values.dtype == object:  # of a data frame with columns of several types
        with suppress(TypeError, ValueError):
            values = values.astype(np.float64)
    if values.dtype.kind not in "uif":
        raise _refused("values that are not numbers")
    shape = values.shape
    is_flat = shape[-1:] == (PIXELS,) and len(shape) <= 2
    is_square = shape[-2:] == (SIDE, SIDE) and (len(shape) <= 3 or shape[1:-2] == (1,))
    if not values.size or not (is_flat or is_square):
        raise _refused(f"the shape {'×'.join(map(str, shape)) or '(one number)'}")
    batch = values.reshape(-1, SIDE, SIDE)
    _check_range(batch)
    return batch.astype(np.uint8)


def _check_range(batch: np.ndarray) -> None:
    """Refuse normalized pixels and those not from 0 to 255, naming the first such image."""
    low, high = batch.min(axis=(1, 2)), batch.max(axis=(1, 2))
    in_range = (low >= 0) & (high <= WHITE)  # false for NaN
    normalized = in_range & (high <= 1)
    whole = (batch == np.floor(batch)).all(axis=(1, 2))
    for number in np.flatnonzero(~in_range | normalized | ~whole)[:1]:
        found = f"pixels from {low[number]:g} to {high[number]:g} in image {number + 1}"
        if normalized[number]:
            remedy = f"multiply normalized pixels by {WHITE}"
            raise _refused(f"{found}, none of them above 1", remedy)
        raise _refused(f"{found}, not whole" if in_range[number] else found)


def _refused(found: str, remedy: str = "send raw pixels, as in train.csv") -> RefusedInputError:
    return RefusedInputError(f"Found {found}, expected {ACCEPTED}: {remedy}.")
