"""dtn_tf: the Domain Transfer Network in Keras and TensorFlow.

Taigman, Polyak and Wolf, "Unsupervised Cross-Domain Image Generation", ICLR 2017,
https://arxiv.org/abs/1611.02200. Start reading in `dtn_tf.dtn`.
"""

import os
import platform

if platform.machine() in ("x86_64", "AMD64"):
    # Before TensorFlow loads. Without AVX512 it leaves oneDNN's kernels off, and a step takes 2.5
    # times as long (`benchmarks/README.md`). Elsewhere nothing was measured.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

__version__ = "0.1.0"
