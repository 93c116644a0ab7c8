import json

import numpy as np
import pandas as pd
import pytest

from src.serving import pixels
from src.serving.pixels import RefusedInputError

DIGIT = np.zeros((28, 28), np.uint8)
DIGIT[5:23, 12:16] = 254
BATCH = np.stack([DIGIT, DIGIT.T, DIGIT])


@pytest.mark.parametrize(
    "shape", [(28, 28), (1, 28, 28), (784,), (1, 784), (1, 1, 28, 28)], ids=str
)
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64])
def test_one_image_is_accepted_in_each_shape_and_type(shape, dtype):
    found = pixels.images(DIGIT.reshape(shape).astype(dtype))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, DIGIT[np.newaxis])


@pytest.mark.parametrize(
    "batch",
    [
        *(BATCH.reshape(shape).tolist() for shape in [(3, 28, 28), (3, 784), (3, 1, 28, 28)]),
        *(pd.DataFrame(BATCH.reshape(3, 784)).astype(dtype) for dtype in (np.int64, object)),
    ],
    ids=["square", "flat", "channel", "frame", "frame of objects"],
)
def test_a_batch_is_accepted_in_each_shape_and_from_the_rows_of_a_data_frame(batch):
    np.testing.assert_array_equal(pixels.images(batch), BATCH)


def test_a_named_input_is_accepted_and_two_are_not():
    np.testing.assert_array_equal(pixels.images({"image": BATCH}), BATCH)
    with pytest.raises(RefusedInputError, match=r"^Found 2 named inputs, expected 28×28"):
        pixels.images({"image": BATCH, "label": [1]})


def altered(value):
    images = BATCH.astype(np.float64)
    images[1, 0, 0] = value
    return images


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (BATCH / 255, "pixels from 0 to 0.996078 in image 1, none of them above 1"),
        (DIGIT * 0, "pixels from 0 to 0 in image 1, none of them above 1"),
        (DIGIT > 0, "values that are not numbers"),
        ((DIGIT > 0).astype(int), "pixels from 0 to 1 in image 1, none of them above 1"),
        (altered(0.5), "pixels from 0 to 254 in image 2, not whole"),
        (altered(-1), "pixels from -1 to 254 in image 2"),
        (altered(256), "pixels from 0 to 256 in image 2"),
        (altered(float("nan")), "pixels from nan to nan in image 2"),
        (altered(float("inf")), "pixels from 0 to inf in image 2"),
        (DIGIT / 127.5 - 1, "pixels from -1 to 0.992157 in image 1"),
        (DIGIT[:27], "the shape 27×28"),
        (BATCH[..., np.newaxis], "the shape 3×28×28×1"),
        (np.zeros((0, 28, 28)), "the shape 0×28×28"),
        (np.zeros((2, 3, 28, 28)), "the shape 2×3×28×28"),
        ([], "the shape 0"),
        (7, r"the shape \(one number\)"),
        ([[1, 2], [3]], "lists of different lengths"),
        ("seven", "values that are not numbers"),
        ([["7"] * 784], "values that are not numbers"),
        (None, r"the shape \(one number\)"),
        ({"image": ["a"]}, "values that are not numbers"),
    ],
)
def test_anything_but_an_image_is_refused_in_one_sentence(given, found):
    remedy = "(send raw pixels, as in train.csv|multiply normalized pixels by 255)"
    sentence = f"^Found {found}, expected 28×28, 1.{{,70}} image: {remedy}\\.$"
    with pytest.raises(RefusedInputError, match=sentence) as refused:
        pixels.images(given)
    assert refused.value.get_http_status_code() == 400
    assert ("multiply" in str(refused.value)) == ("above 1" in found)


def test_the_answer_holds_the_sentence_alone_whatever_the_server_puts_before_it():
    error = RefusedInputError("No image.")
    error.message = f"Failed to predict data '{BATCH}'. \nError: {error.message}"
    assert json.loads(error.serialize_as_json())["message"] == "No image."
