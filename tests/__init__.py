"""Tests, one file per module; run them with pytest."""

import dtn_tf  # noqa: F401  before any of them loads TensorFlow
