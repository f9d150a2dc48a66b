"""The trained translator for other programs: uint8 in, uint8 out."""

import pathlib
import shutil

import tensorflow as tf

from dtn_tf import images


def export(dtn, directory, channels):
    """Writes a SavedModel that needs TensorFlow alone, none of this project's code.

        exported = tf.saved_model.load(directory)  # keep it: it owns the weights
        digits = exported.translate(house_numbers)  # uint8 in, uint8 out

    Args:
        dtn: A trained `DTN`.
        directory: Where the SavedModel goes; one that is there is replaced.
        channels: Channels of source images, 1 or 3.
    """
    directory = pathlib.Path(directory)
    temporary = directory.with_name(f"partial-{directory.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    module = tf.Module()
    spec = tf.TensorSpec((None, 32, 32, channels), tf.uint8, name="images")
    module.translate = tf.function(lambda x: translate(dtn, x), input_signature=[spec])
    # What a translation reads, whichever nets that are: not D, not the training step.
    module.read = module.translate.get_concrete_function().variables
    tf.saved_model.save(module, str(temporary), signatures=module.translate)
    shutil.rmtree(directory, ignore_errors=True)
    temporary.rename(directory)


def translate(dtn, x):
    """Returns G(x) for stored pixels: uint8 `(n, 32, 32, channels)` in and out."""
    return images.to_uint8(dtn(images.to_model(x)))
