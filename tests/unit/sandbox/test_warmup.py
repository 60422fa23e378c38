from sandbox.warmup import find_libraries

TEXT = """
import os, numpy as np
from torchvision import transforms, datasets
    import sklearn.linear_model as lm   # indented
from sklearn.metrics import (
    accuracy_score,
)
import matplotlib.pyplot as plt
# import pandas
from scipy import stats
import subprocess
import torch.nn.functional as F
"""


def test_only_known_libraries_that_the_text_names_are_found() -> None:
    assert find_libraries(TEXT) == {
        "numpy",
        "torchvision",
        "torchvision.transforms",
        "torchvision.datasets",
        "sklearn",
        "sklearn.linear_model",
        "sklearn.metrics",
        "matplotlib",
        "matplotlib.pyplot",
        "scipy",
        "scipy.stats",
    }


def test_text_that_is_no_python_is_no_trouble() -> None:
    assert find_libraries("import \nfrom import import\n((((" * 1000) == set()
