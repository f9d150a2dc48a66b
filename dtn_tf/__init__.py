"""dtn_tf: the Domain Transfer Network in Keras and TensorFlow.

Taigman, Polyak and Wolf, "Unsupervised Cross-Domain Image Generation", ICLR 2017,
https://arxiv.org/abs/1611.02200. Start reading in `dtn_tf.dtn`.
"""

__version__ = "0.1.0"
